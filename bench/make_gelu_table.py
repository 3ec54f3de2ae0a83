"""Generate cpp/kernels/gelu_table.hpp.

    pip install mpmath
    python bench/make_gelu_table.py > cpp/kernels/gelu_table.hpp

The tail of the normal distribution is Q(a) = e^(-a^2/2) R(a), where R(a) = erfcx(a / sqrt 2) / 2 falls slowly from 1/2.
Each octave of u = 2 + scale a is split into four intervals, sixteen in all for u in [2, 32). On each interval, R(a) is
value + t P(t) with t = a - centre. The centres are "accurate" ones (S. Gal), as in make_tables.py: R(centre) is 2^7
times closer to the number `value` than rounding guarantees. The comment at the top of gelu.hpp has the measured errors.
"""

from mpmath import erfc, exp, findroot, floor, ldexp, log, mpf, nstr, pi, sqrt

from make_tables import fit, literal, rounded

# gelu_tanh(x) = x / (1 + e^-z), z = first x + cube x^3.
FIRST = 2 * sqrt(2 / pi)
CUBE = FIRST * mpf("0.044715")

# gelu(-limit) and gelu_tanh(-tanh_limit) round to 0. `scale` keeps u < 32.
FORMATS = {
    "float": {
        "bits": 24,
        "least": -149,
        "degree": 6,
        "scale": mpf("2.078125"),
        "limit": mpf("14.375"),
        "tanh_limit": mpf("10.875"),
        "suffix": "f",
    },
    "double": {
        "bits": 53,
        "least": -1074,
        "degree": 14,
        "scale": mpf("0.7734375"),
        "limit": mpf("38.625"),
        "tanh_limit": mpf("21.625"),
        "suffix": "",
    },
}


def tail_ratio(a):
    """Return R(a)."""
    return erfc(a / sqrt(2)) / 2 * exp(a * a / 2)


def two_parts(x, bits, spare=0):
    """Return two numbers with sum x; the first has `spare` bits fewer than the format."""
    high = rounded(x, bits - spare)
    return high, rounded(x - high, bits)


def accurate_centre(middle, bits):
    """Return a centre near `middle` and a number `value` with R(centre) 2^7 times closer to it than rounding gives."""
    nearest, slope = rounded(tail_ratio(middle), bits), middle * tail_ratio(middle) - 1 / sqrt(2 * pi)
    step = ldexp(1, int(floor(log(nearest, 2))) + 1 - bits)
    for i in range(100000):
        value = nearest + (i // 2 if i % 2 else -i // 2) * step
        guess = middle + (value - tail_ratio(middle)) / slope
        centre = rounded(findroot(lambda a, value=value: tail_ratio(a) - value, guess), bits)
        if abs(tail_ratio(centre) / value - 1) < ldexp(1, -bits - 7):
            return centre, value
    raise ValueError(f"no accurate centre near {nstr(middle, 8)}")


def entry(index, bits, degree, scale, limit, **_):
    """Return [centre, value, coefficients 1 to degree] of one interval, and the relative error of the fit."""
    low, high = (min((ldexp(4 + i % 4, i // 4 - 1) - 2) / scale, limit) for i in (index, index + 1))
    centre, value = accurate_centre((low + high) / 2, bits)
    found, error = fit(
        lambda t: tail_ratio(centre + t) - value,
        low - centre,
        high - centre,
        range(1, degree + 1),
        lambda t: 1 / tail_ratio(centre + t),
        bits,
    )
    return [centre, value, *found], error


def print_tanh_constants(name, bits, least, tanh_limit, suffix, **_):
    slope = FIRST + CUBE * tanh_limit**2
    assert tanh_limit / (1 + exp(slope * tanh_limit)) < ldexp(mpf("0.999"), least - 1)
    # FIRST is between 1 and 2. With 5 spare bits, its difference to any slope below 64 is exact.
    assert slope < 64
    first, cube = two_parts(FIRST, bits, 5), two_parts(CUBE, bits)
    print(f"\ntemplate <>\nstruct GeluTanhTable<{name}> {{")
    print(f"  static constexpr {name} kLimit = {nstr(tanh_limit)}{suffix};  // gelu_tanh(-kLimit) rounds to 0")
    for label, (high, low) in {"kFirst": first, "kCube": cube}.items():
        print(f"  static constexpr {name} {label} = {literal(high, bits, suffix)};")
        print(f"  static constexpr {name} {label}Rest = {literal(low, bits, suffix)};")
    print("};")


def print_tail(name, bits, least, degree, scale, limit, suffix, **_):
    assert limit * scale + 2 < 32
    assert limit * erfc(limit / sqrt(2)) / 2 < ldexp(mpf("0.999"), least - 1)
    entries = [entry(i, bits, degree, scale, limit) for i in range(16)]
    error = log(max(error for _, error in entries), 2)
    columns = [literal(x, bits, suffix) for row, _ in entries for x in row]
    text = ["{" + ", ".join(columns[i :: degree + 2]) + "}" for i in range(degree + 2)]
    print(f"\n// Relative error of the approximation, before rounding: 2^{nstr(error, 3)}.")
    print(f"template <>\nstruct GeluTable<{name}> {{")
    print(f"  static constexpr {name} kScale = {nstr(scale, 10)}{suffix};")
    print(f"  static constexpr {name} kLimit = {nstr(limit)}{suffix};  // gelu(-kLimit) rounds to 0")
    print(f"  static constexpr int kDegree = {degree};")
    print(f"  alignas(64) static constexpr {name} kCentre[16] = {text[0]};")
    print(f"  alignas(64) static constexpr {name} kValue[16] = {text[1]};  // R(kCentre)")
    print("  // kCoefficient[k] is the coefficient of t^(k+1).")
    print(f"  alignas(64) static constexpr {name} kCoefficient[kDegree][16] = {{")
    print("    " + ",\n    ".join(text[2:]) + ",\n  };\n};")


print("// Generated by bench/make_gelu_table.py, which explains the numbers; gelu.hpp reads them.\n#pragma once\n")
print("// clang-format off\nnamespace fastnn::FASTNN_ISA {\nnamespace {\n\ntemplate <class T>\nstruct GeluTanhTable;")
for kind, form in FORMATS.items():
    print_tanh_constants(kind, **form)
print("\ntemplate <class T>\nstruct GeluTable;")
for kind, form in FORMATS.items():
    print_tail(kind, **form)
print("\n}  // namespace\n}  // namespace fastnn::FASTNN_ISA\n// clang-format on")
