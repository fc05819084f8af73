"""A face renderer with known motion: what datasets write as a stand-in when the licensed films are not there.

`make_face` draws a person, `write_script` decides what happens when, and `Film` renders frames, true landmarks and
true dense motion. No part of it is a photograph or was learnt from one.
"""

from mezoo.synthetic.action_units import ACTION_UNITS
from mezoo.synthetic.face import Face, make_face
from mezoo.synthetic.film import Film, FilmSpec
from mezoo.synthetic.script import AUS_BY_EMOTION, Movement, Script, ScriptSpec, activation, write_script

__all__ = [
    "ACTION_UNITS",
    "AUS_BY_EMOTION",
    "Face",
    "Film",
    "FilmSpec",
    "Movement",
    "Script",
    "ScriptSpec",
    "activation",
    "make_face",
    "write_script",
]
