"""What is wrong with the radio and the machine, before a day of work depends on them."""

from __future__ import annotations

from localizer.doctor.finding import Finding, Level, is_fit
from localizer.doctor.listening import listen
from localizer.doctor.machine import examine_machine
from localizer.doctor.trace import TraceExam

__all__ = ["Finding", "Level", "TraceExam", "examine_machine", "is_fit", "listen"]
