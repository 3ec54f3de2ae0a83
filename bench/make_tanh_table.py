"""Writes cpp/kernels/tanh_table.hpp; with the argument `exp`, prints the polynomials of e^r used in math.hpp.

    pip install mpmath
    python bench/make_tanh_table.py > cpp/kernels/tanh_table.hpp
    python bench/make_tanh_table.py exp

The intervals are quarters of the octaves of u = 2 + scale |x|, sixteen for u in [2, 32). On each, tanh |x| is
value + t P(t), t = |x| - centre. The centres are S. Gal's "accurate" ones (1986): tanh(centre) is 2^7 times nearer to
the number `value` than rounding would bring it. The comment at the head of math.hpp gives the measured errors.
"""

import sys

from mpmath import atanh, cos, exp, ldexp, log, lu_solve, matrix, mp, mpf, nstr, pi, tanh

mp.dps = 90

# bits of the significand, degree in t, scale of u, and a limit from which tanh rounds to 1. `scale` keeps u < 32.
FORMATS = {
    "float": {"bits": 24, "degree": 6, "scale": mpf("3.25"), "limit": mpf("9.0625"), "suffix": "f"},
    "double": {"bits": 53, "degree": 14, "scale": mpf("1.5625"), "limit": mpf("19.125"), "suffix": ""},
}


def rounded(x, bits):
    """The nearest number with a significand of `bits` bits."""
    with mp.workprec(bits):
        return +mpf(x)


def literal(x, bits, suffix):
    """x, which has at most `bits` bits, as a C++ hexadecimal literal."""
    if x == 0:
        return "0" + ("." + suffix if suffix else ".0")
    sign, mantissa, exponent, length = x._mpf_
    shift, digits = length - 1, (bits + 2) // 4
    fraction = (int(mantissa) << 4 * digits >> shift) - (1 << 4 * digits)
    text = f"{fraction:0{digits}x}".rstrip("0")
    return f"{'-' if sign else ''}0x1{'.' if text else ''}{text}p{exponent + shift}{suffix}"


def fit(function, low, high, powers, weight, bits):
    """Coefficients of t^k, k in powers, nearest to function(t) on [low, high] with errors weighted by weight(t).

    Least squares on Chebyshev nodes (within a small factor of minimax). The coefficients are rounded one at a time,
    lowest power first, and the rest fitted anew, so that each makes up for the rounding of those before it.
    """
    count = 3 * len(powers) + 8
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    goal = [function(t) * weight(t) for t in nodes]
    found = []
    for done, power in enumerate(powers):
        rows = matrix([[t**k * weight(t) for k in powers[done:]] for t in nodes])
        found.append(rounded(lu_solve(rows, matrix(goal))[0], bits))
        goal = [g - found[-1] * t**power * weight(t) for g, t in zip(goal, nodes, strict=True)]
    return found, max(abs(g) for g in goal)


def accurate_centre(middle, bits):
    """A float near `middle` and the float its tanh is 2^7 times nearer to than rounding alone would give."""
    step = ldexp(1, int(mp.floor(log(tanh(middle), 2))) + 1 - bits)
    nearest = rounded(tanh(middle), bits)
    for i in range(100000):
        value = nearest + (i // 2 if i % 2 else -i // 2) * step
        if not 0 < value < 1:
            continue
        centre = rounded(atanh(value), bits)
        if abs(tanh(centre) / value - 1) < ldexp(1, -bits - 7):
            return centre, value
    raise ValueError(f"no accurate centre near {nstr(middle, 8)}")


def entry(index, bits, degree, scale, limit, **_):
    """Centre, value and coefficients 1..degree of one interval; and the fit's relative error."""
    low, high = (min((ldexp(4 + i % 4, i // 4 - 1) - 2) / scale, limit) for i in (index, index + 1))
    if index == 0:  # t + t P(t), with P(t) = -t^2/3 + ...: exact for the smallest t
        centre, value, unit, padding = mpf(0), mpf(0), 1, [mpf(0), mpf(0)]
    else:
        centre, value = accurate_centre((low + high) / 2, bits)
        unit, padding = 0, []
    low, high, powers = low - centre, high - centre, range(1 + len(padding), degree + 1)
    found, error = fit(
        lambda t: tanh(centre + t) - value - unit * t, low, high, powers, lambda t: 1 / tanh(centre + t), bits
    )
    return [centre, value, *padding, *found], error


def print_tanh():
    print("// Written by bench/make_tanh_table.py, which explains it; used by tanh in math.hpp.\n#pragma once\n")
    print("// clang-format off\nnamespace fastnn::FASTNN_ISA {\nnamespace {\n\ntemplate <class T>\nstruct TanhTable;")
    for name, form in FORMATS.items():
        entries = [entry(i, **form) for i in range(16)]
        error = log(max(error for _, error in entries), 2)
        columns = [literal(x, form["bits"], form["suffix"]) for row, _ in entries for x in row]
        arrays = [columns[i :: form["degree"] + 2] for i in range(form["degree"] + 2)]
        text = ["{" + ", ".join(array) + "}" for array in arrays]
        print(f"\n// Relative error of the approximation, before rounding: 2^{nstr(error, 3)}.")
        print(f"template <>\nstruct TanhTable<{name}> {{")
        print(f"  static constexpr {name} kScale = {nstr(form['scale'])}{form['suffix']};")
        print(f"  static constexpr {name} kLimit = {nstr(form['limit'])}{form['suffix']};  // tanh(kLimit) rounds to 1")
        print(f"  static constexpr int kDegree = {form['degree']};")
        print(f"  alignas(64) static constexpr {name} kCentre[16] = {text[0]};")
        print(f"  alignas(64) static constexpr {name} kValue[16] = {text[1]};  // tanh(kCentre)")
        print("  // kCoefficient[k] is that of t^(k+1).")
        print(f"  alignas(64) static constexpr {name} kCoefficient[kDegree][16] = {{")
        print("    " + ",\n    ".join(text[2:]) + ",\n  };\n};")
    print("\n}  // namespace\n}  // namespace fastnn::FASTNN_ISA\n// clang-format on")


def print_exp():
    for name, degree in {"float": 7, "double": 11}.items():
        bits, suffix = FORMATS[name]["bits"], FORMATS[name]["suffix"]
        half = log(2) / 2
        found, error = fit(lambda r: exp(r) - 1 - r, -half, half, range(2, degree + 1), lambda r: exp(-r), bits)
        print(name, [literal(c, bits, suffix) for c in found], "relative error 2^", nstr(log(error, 2), 4))
        high = rounded(log(2), bits)
        print("  1/ln 2, ln 2:", *(literal(rounded(c, bits), bits, suffix) for c in (1 / log(2), high, log(2) - high)))


if __name__ == "__main__":
    print_exp() if sys.argv[1:] == ["exp"] else print_tanh()
