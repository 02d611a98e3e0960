"""What is chosen where nobody chooses, as the command's help says it: nothing is imported to know it."""

#: Seconds over which probabilities are averaged where events are wanted: long enough to bridge a wavering step, short
#: against any action worth an event.
SMOOTHING = 0.15
#: Probabilities at which an event begins and ends: higher ones come late and miss short actions, lower ones find more
#: where there is none.
ENTER, LEAVE = 0.5, 0.3
#: Seconds that an event lasts at least. A beginning is told no earlier, so more would be delay.
MIN_DURATION = 0.25
#: Seconds without a new picture until a live source counts as lost.
PATIENCE = 3.0
#: Where the page is if nothing else is asked for: on this machine alone.
ADDRESS = "127.0.0.1:8080"
#: Seconds that an event lasts at least which starts where the picture began to move: until then half of the window
#: shows what stood still, and labels change. With half a window and the delay of smoothing it is told within 1 s and
#: half a window. Whoever asks for less than `MIN_DURATION` prefers a wrong label at first to a wait: it shrinks too.
SETTLED = 0.6
