"""A kernel with an entry that takes an array of words, as an object file: see `edgevtn.kernels.native`."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
import numba

from edgevtn.kernels import fast
from edgevtn.kernels.jit import OPTIONS
from edgevtn.kernels.words import ENTRY, Unsuitable, words_of

#: How a word becomes an argument of a type: instructions for LLVM, of word %wN as argument %aN.
LOADS = {
    "i64": "%a{n} = load i64, ptr %w{n}",
    "ptr": "%a{n} = load ptr, ptr %w{n}",
    "double": "%a{n} = load double, ptr %w{n}",
    "i8": "%a{n} = load i8, ptr %w{n}",  # the lowest byte: every processor that we run on is little-endian
}
#: What a kernel may call by name, or LLVM for it where the processor has no such instruction: C's library. LLVM ends
#: the process if it looks for a function in vain, so it is asked first.
LIBRARY = {"memset", "memcpy", "memmove", "sqrtf", "sqrt", "rintf", "rint", "fmaf", "fma"}
#: What takes care of arrays that Numba owns. No kernel here makes one, and their owners are null.
OWNERS = ("NRT_MemInfo_call_dtor", "NRT_Free")


def compile_ahead(name: str, arguments: tuple[Any, ...]) -> bytes:
    """The object file of a kernel of `edgevtn.kernels.fast`, for arguments of these types.

    Raises
    ------
    Unsuitable
        It calls something that is not there without Numba, or takes something else than words.
    """
    # Not the kernel itself: what Numba reads from its cache has no text that could be changed.
    dispatcher: Any = numba.njit(**OPTIONS)(getattr(fast, name).py_func)
    signature = tuple(numba.typeof(argument) for argument in arguments)
    dispatcher.compile(signature)
    compiled = dispatcher.overloads[signature]
    try:
        library, function = compiled.library, compiled.fndesc.llvm_func_name
        text = str(library._final_module)
        machine = library.codegen._tm
    except AttributeError as error:  # of a Numba to come
        raise Unsuitable(f"Numba's code is kept elsewhere ({error})") from error
    module = llvm.parse_assembly(text)
    types = [str(argument.type) for argument in module.get_function(function).arguments]
    module.link_in(llvm.parse_assembly(_entry_text(function, types, len(words_of(arguments)[0]))))
    _hide_the_rest(module)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    _check_calls(module)
    content: bytes = machine.emit_object(module)
    return content


def _entry_text(function: str, types: list[str], count: int) -> str:
    """LLVM's text of the entry: every word is loaded as what the function wants.

    The first two arguments of the function are where its result goes, and what it raises.
    """
    result, raised, *rest = types
    if result != "ptr" or raised != "ptr" or len(rest) != count or not set(rest) <= LOADS.keys():
        raise Unsuitable(f"arguments of the types {sorted(set(types))}, {len(types)} for {count} words")
    lines = [f"declare i32 @{function}({', '.join(types)})", f"define i32 @{ENTRY}(ptr %words) {{"]
    lines += ["%result = alloca ptr", "%raised = alloca ptr"]
    for n, kind in enumerate(rest):
        lines.append(f"%w{n} = getelementptr i64, ptr %words, i64 {n}")
        lines.append(LOADS[kind].format(n=n))
    given = ", ".join(f"{kind} %a{n}" for n, kind in enumerate(rest))
    lines += [f"%status = call i32 @{function}(ptr %result, ptr %raised, {given})", "ret i32 %status", "}"]
    lines += [f"define void @{owner}(ptr %owned) {{ ret void }}" for owner in OWNERS]
    return "\n".join(lines)


def _hide_the_rest(module: Any) -> None:
    """Nothing but the entry can be called from outside, so that what it does not need can go."""
    for part in (*module.functions, *module.global_variables):
        if not part.is_declaration and part.name != ENTRY:
            part.linkage = "internal"


def _check_calls(module: Any) -> None:
    """Raise Unsuitable if something is called that may not be there."""
    missing = {
        part.name
        for part in (*module.functions, *module.global_variables)
        if part.is_declaration and not part.name.startswith("llvm.")
    }
    there = {name for name in LIBRARY if llvm.address_of_symbol(name)}
    if missing | LIBRARY != there:
        raise Unsuitable(f"it calls what is not there: {', '.join(sorted((missing | LIBRARY) - there))}")
