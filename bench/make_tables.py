"""Writes the tables of cpp/kernels; with `exp`, prints the polynomials of math.hpp and exponentials.hpp.

    pip install mpmath
    python bench/make_tables.py tanh > cpp/kernels/tanh_table.hpp
    python bench/make_tables.py log > cpp/kernels/log_table.hpp
    python bench/make_tables.py exp

tanh: the intervals are quarters of the octaves of u = 2 + scale |x|, sixteen for u in [2, 32). On each, tanh |x| is
value + t P(t), t = |x| - centre. The centres are S. Gal's "accurate" ones (1986): tanh(centre) is 2^7 times nearer to
the number `value` than rounding would bring it.

log: for e from 0 to 1, log(1 + e) is value + t + t^2 P(t), t = (e - centre) * inverse, inverse = 1 / (1 + centre); the
centres, of sixteen intervals, are about 0, 1/15, ..., 1 and "accurate" for the value and, within 2^3, the inverse.

The comments at the heads of math.hpp and exponentials.hpp give the measured errors.
"""

import sys

from mpmath import atanh, cos, exp, expm1, ldexp, log, log1p, lu_solve, matrix, mp, mpf, nstr, pi, tanh

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
    print("// Written by bench/make_tables.py, which explains it; used by tanh in math.hpp.\n#pragma once\n")
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


def accurate_log_centre(k, bits):
    """A float near k / 15, the float nearest to 1 / (1 + centre), and the one nearest to log(1 + centre)."""
    for i in range(100000):  # all over an interval: from one float to the next, the rounding errors would repeat
        centre = rounded((mpf(k) - mp.frac(i * mp.phi) / 64) / 15, bits)
        inverse = rounded(1 / (1 + centre), bits)
        if abs(inverse * (1 + centre) - 1) >= ldexp(1, -bits - 3):
            continue
        value = rounded(log1p(centre), bits)
        if abs(log1p(centre) / value - 1) < ldexp(1, -bits - 7):
            return centre, inverse, value
    raise ValueError(f"no accurate centre near {k}/15")


def nearly(t):
    """|t|, for weights 1 / |t|: not 0."""
    return abs(t) + ldexp(1, -100)


def print_log():
    print("// Written by bench/make_tables.py, which explains it; used by log1p in exponentials.hpp.\n#pragma once\n")
    print("// clang-format off\nnamespace fastnn::FASTNN_ISA {\nnamespace {\n\ntemplate <class T>\nstruct LogTable;")
    for name, degree in {"float": 5, "double": 10}.items():
        bits, suffix = FORMATS[name]["bits"], FORMATS[name]["suffix"]
        entries = [(mpf(0), mpf(1), mpf(0)), *(accurate_log_centre(k, bits) for k in range(1, 16))]
        columns = [[literal(x, bits, suffix) for x in column] for column in zip(*entries, strict=True)]
        texts = ["{" + ", ".join(column) + "}" for column in columns]
        found, error = fit(
            lambda t: log1p(t) - t, mpf("-0.0316"), mpf("0.0334"), range(2, degree + 1), lambda t: 1 / nearly(t), bits
        )
        high = rounded(log(2), bits - (8 if bits == 24 else 11))
        print(f"\n// Relative error of the polynomial, before rounding: 2^{nstr(log(error, 2), 3)}.")
        print(f"template <>\nstruct LogTable<{name}> {{")
        print(f"  alignas(64) static constexpr {name} kCentre[16] = {texts[0]};")
        print(f"  alignas(64) static constexpr {name} kInverse[16] = {texts[1]};  // 1 / (1 + kCentre)")
        print(f"  alignas(64) static constexpr {name} kValue[16] = {texts[2]};  // log(1 + kCentre)")
        print("  // kCoefficient[k] is that of t^(k+2).")
        print(f"  static constexpr {name} kCoefficient[] = {{{', '.join(literal(c, bits, suffix) for c in found)}}};")
        print("  // log 2 in two parts, of which the first times an exponent is exact.")
        ln2, rest = (literal(rounded(x, bits), bits, suffix) for x in (high, log(2) - high))
        print(f"  static constexpr {name} kLn2 = {ln2}, kLn2Rest = {rest};\n}};")
    print("\n}  // namespace\n}  // namespace fastnn::FASTNN_ISA\n// clang-format on")


def print_exp():
    half = log(2) / 2
    for name, degree in {"float": 7, "double": 11}.items():
        bits, suffix = FORMATS[name]["bits"], FORMATS[name]["suffix"]
        found, error = fit(lambda r: exp(r) - 1 - r, -half, half, range(2, degree + 1), lambda r: exp(-r), bits)
        print(name, [literal(c, bits, suffix) for c in found], "relative error 2^", nstr(log(error, 2), 4))
        high = rounded(log(2), bits)
        print("  1/ln 2, ln 2:", *(literal(rounded(c, bits), bits, suffix) for c in (1 / log(2), high, log(2) - high)))
    for name, degree in {"float": 7, "double": 12}.items():
        bits, suffix = FORMATS[name]["bits"], FORMATS[name]["suffix"]
        found, error = fit(lambda r: expm1(r) - r, -half, half, range(2, degree + 1), lambda r: 1 / nearly(r), bits)
        print(name, "e^r - 1:", [literal(c, bits, suffix) for c in found], "relative error 2^", nstr(log(error, 2), 4))
    for name, form in FORMATS.items():
        bits, suffix = form["bits"], form["suffix"]
        scale, alpha = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
        high = rounded(scale * alpha, bits)
        parts = scale - 1, high, scale * alpha - high
        print(name, "selu:", *(literal(rounded(c, bits), bits, suffix) for c in parts))


if __name__ == "__main__":
    {"tanh": print_tanh, "log": print_log, "exp": print_exp}[sys.argv[1]]()
