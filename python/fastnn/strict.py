"""Refuse arguments and attributes that do not exist: Strict, the base class of layers, models and initializers."""

import functools
import inspect
from collections.abc import Callable, Iterable
from types import CodeType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fastnn.text import did_you_mean

F = TypeVar("F", bound=Callable[..., Any])


_OF_KERAS = {  # arguments that fastnn lacks, though something else is like them
    "dtype": "the layers have the model's dtype: Sequential(layers, dtype='float64')",
    "batch_shape": "write shape=(inputs,)",
    "batch_input_shape": "write input_shape=(inputs,)",
}


def _arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    code: CodeType = inspect.unwrap(function).__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def suggesting(function: F) -> F:
    """Return the function, which then suggests an argument for a misspelt one.

    >>> @suggesting
    ... def area(width, height):
    ...     return width * height
    >>> area(2, heigth=3)
    Traceback (most recent call last):
    TypeError: area() got an unexpected keyword argument 'heigth'; did you mean 'height'?
    """
    arguments = _arguments_of(function)

    @functools.wraps(function)
    def checked(*args: Any, **named: Any) -> Any:
        for name in named:
            if name not in arguments:
                raise TypeError(_unexpected(function.__name__, name, arguments))
        return function(*args, **named)

    return cast(F, checked)


def _unexpected(function: str, argument: str, known: Iterable[str]) -> str:
    advice = f"; {_OF_KERAS[argument]}" if argument in _OF_KERAS else did_you_mean(argument, known)
    return f"{function}() got an unexpected keyword argument {argument!r}{advice}"


class Strict:
    """Base class whose objects refuse what they do not know.

    Arguments of the constructor are attributes that cannot change later, since a network may have been built from them;
    those with a setter can.
    Other attributes that the constructor did not set are refused, unless the class has them or they begin with "_".

    >>> Dense(3).units = 4
    Traceback (most recent call last):
    AttributeError: units of <Dense name=..., built=False> cannot be changed; make a new one with units=4
    >>> Dense(3, activaton="relu")
    Traceback (most recent call last):
    TypeError: Dense() got an unexpected keyword argument 'activaton'; did you mean 'activation'?
    >>> Sequential().get_layer(indx=0)
    Traceback (most recent call last):
    TypeError: get_layer() got an unexpected keyword argument 'indx'; did you mean 'index'?
    """

    _arguments: tuple[str, ...] = ()  # of the constructor
    _fixed: frozenset[str] = frozenset()
    _never_called: tuple[str, ...] = ()  # methods that a subclass of a user may not define, as nothing would call them
    _instead_of_a_method = ""  # what to do then
    _quick: frozenset[str] = frozenset()  # methods without suggestions, which would take a quarter of their time

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for base in cls.__bases__:
            # The core computes what fastnn's own classes describe; another one would fail later, in words of internals.
            if "_instead_of_a_subclass" in base.__dict__ and not cls.__module__.startswith("fastnn."):
                raise TypeError(
                    f"expected no subclass of {base.__name__}, since fastnn computes its own alone; received "
                    f"{cls.__name__}; {base.__dict__['_instead_of_a_subclass']}"
                )
        for name in cls._never_called if not cls.__module__.startswith("fastnn.") else ():
            if name in cls.__dict__:
                raise TypeError(
                    f"expected no method {name}() in {cls.__name__}, since fastnn computes its own layers alone and "
                    f"does not call it; received one; {cls._instead_of_a_method}"
                )
        if cls.__module__.startswith("fastnn."):
            _suggest_in_methods(cls)
        init = cls.__dict__.get("__init__")
        if not inspect.isfunction(init):
            return
        code = init.__code__
        arguments = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        if cls.__module__.startswith("fastnn."):
            cls._arguments = arguments
            settable = {name for name in arguments if getattr(getattr(cls, name, None), "fset", None) is not None}
            cls._fixed |= frozenset(arguments) - settable
        takes_any = bool(code.co_flags & inspect.CO_VARKEYWORDS)
        checked: Any = _checking(init, arguments, takes_any)
        if "Unpack" in str(init.__annotations__) and cls.__module__.startswith("fastnn."):
            checked.__signature__ = _whole_signature(init, super(cls, cls).__init__)
        cls.__init__ = checked  # type: ignore[method-assign]

    if not TYPE_CHECKING:  # type checkers would take it for leave to set anything

        def __setattr__(self, name: str, value: object) -> None:
            if not name.startswith("_"):
                is_known, is_made = name in self.__dict__, "_is_made" in self.__dict__
                if name in self._fixed and (is_known or is_made):
                    raise AttributeError(f"{name} of {self!r} cannot be changed; make a new one with {name}={value!r}")
                if is_made and not is_known and not _in_class(self, name):
                    raise AttributeError(f"{self!r} has no attribute {name!r} to set{did_you_mean(name, dir(self))}")
            super().__setattr__(name, value)


def _in_class(thing: object, name: str) -> bool:
    return any(name in each.__dict__ for each in type(thing).__mro__)


def _suggest_in_methods(cls: type) -> None:
    """Let the public methods that a class defines suggest arguments."""
    for name, value in list(vars(cls).items()):
        is_for_class = isinstance(value, classmethod)
        function = value.__func__ if is_for_class else value
        if name.startswith("_") or name in vars(cls).get("_quick", ()) or not inspect.isfunction(function):
            continue
        if len(_arguments_of(function)) > 1:  # more than self
            checked = suggesting(function)
            setattr(cls, name, classmethod(checked) if is_for_class else checked)


def _whole_signature(init: Callable[..., None], base: Callable[..., None]) -> inspect.Signature:
    """Return a constructor's signature for help(), with the base's keyword arguments in place of **options."""
    own = inspect.signature(init)
    positional = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    keyword_only = [each for each in inspect.signature(base).parameters.values() if each.kind is each.KEYWORD_ONLY]
    passed_on = [each for each in keyword_only if each.name not in own.parameters]
    return own.replace(parameters=[*positional, *passed_on])


def _checking(init: Callable[..., None], arguments: tuple[str, ...], takes_any: bool) -> Callable[..., None]:
    """Return a constructor that suggests an argument for an unknown one, and marks the object as made."""

    defaults = len(init.__defaults__ or ())
    required = arguments[: init.__code__.co_argcount - 1 - defaults]

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **named: Any) -> None:
        # Where the base class takes what is unknown here, it checks that itself, unless a required argument is missing.
        is_checked_by_base = takes_any and named.keys() >= set(required[len(args) :])
        for name in () if is_checked_by_base else named:
            inherited = {argument for each in type(self).__mro__ for argument in getattr(each, "_arguments", ())}
            known = {*arguments, *inherited}
            is_like_another = name in _OF_KERAS or did_you_mean(name, known)
            if name not in arguments and not (takes_any and (name in inherited or not is_like_another)):
                raise TypeError(_unexpected(type(self).__name__, name, known))
        init(self, *args, **named)
        if type(self).__init__ is checked:  # the outermost constructor
            self.__dict__["_is_made"] = True

    return checked
