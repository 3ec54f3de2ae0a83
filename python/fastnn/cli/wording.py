"""Say errors of the library with the options of the command line: outputs='policy' is --outputs policy there."""

import re
import shlex

from fastnn.losses.base import Loss

_ARGUMENT = r"\b(layers|outputs|prefix)"
_TEXT = r"'[^']*'|\"[^\"]*\""
_CALL = re.compile(rf"load_model\(path, ({_ARGUMENT}=(?:\[[^]]*\]|{_TEXT}))\)")
_LIST = re.compile(rf"{_ARGUMENT}=\[([^]]*)\]")
_WORD = re.compile(r"[^\s,'\"]+")
_VALUE = re.compile(rf"{_ARGUMENT}=({_TEXT})")
_NAME = re.compile(
    r"(?<=expected )(layers|outputs|prefix)(?= (to be|to have|to hold|to name|only|as a dict)\b)|"
    r"\blayers(?= says\b)|\bname(?= only with a filepath)|(?<=choose another with )name$"
)
_DROP = re.compile(rf"\bdrop=\[({_TEXT})\]")
_TYPE = re.compile(rf"\btypes=\{{({_TEXT}): '[a-z]+_categorical'\}}")
_OF_STEPS = f"The model keeps the weights of the step before: {Loss._if_not_finite}"
_IN_PYTHON = "; the command line takes names alone, load_model(path, layers=[…]) in Python takes layers"


def for_command_line(message: str) -> str:
    """Return an error of load_model() or FeatureSpace for users of the command line.

    >>> for_command_line("choose from 'policy', 'value', as in load_model(path, outputs='policy')")
    "choose from 'policy', 'value', as in --outputs policy"
    >>> for_command_line("expected layers to have 2 names, as in load_model(path, layers=['relu', 'linear'])")
    'expected --layers to have 2 names, as in --layers relu,linear'
    """
    message = message.replace(_OF_STEPS, "Use a lower --learning-rate")
    message = _DROP.sub(lambda found: f"--drop {shlex.quote(found[1][1:-1])}", message)
    message = _TYPE.sub(lambda found: f"--types {shlex.quote(found[1][1:-1] + '=category')}", message)
    message = _CALL.sub(r"\1", message)
    message = _LIST.sub(lambda found: f"--{found[1]} {','.join(_WORD.findall(found[2]))}", message)
    message = _VALUE.sub(lambda found: f"--{found[1]} {shlex.quote(found[2][1:-1])}", message)
    message = _NAME.sub(r"--\g<0>", message)
    message = re.sub(r"\b(a )?filepath\b", "OUT", message)  # of save() and export(), the argument OUT
    return message + _IN_PYTHON * ("of fastnn.layers in" in message)
