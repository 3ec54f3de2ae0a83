"""Names that the namespace of an exported header cannot have, since C++, its library or C's has taken them."""

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""

# Those that <cstring>, <cstdlib> and <cmath>, which a header includes itself, put into the global namespace in glibc.
_GLOBAL = """
a64l abort abs aligned_alloc alloca arc4random at_quick_exit atexit atof atoi atol atoll basename bcmp bcopy bsearch
bzero calloc clearenv div drand48 ecvt erand48 exit fcvt ffs ffsl ffsll free gcvt getenv getloadavg getpt getsubopt
grantpt index INFINITY initstate jrand48 l64a labs lcong48 ldiv llabs lldiv lrand48 main malloc mblen mbstowcs mbtowc
memccpy memchr memcmp memcpy memfrob memmem memmove mempcpy memrchr memset mkdtemp mkostemp mkostemps mkstemp mkstemps
mktemp mrand48 NAN nrand48 NULL pselect ptsname putenv qecvt qfcvt qgcvt qsort quick_exit rand random rawmemchr
realloc reallocarray realpath rindex rpmatch seed48 select setenv setstate signgam srand srand48 srandom stpcpy
stpncpy strcasecmp strcasestr strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strerror strfromd strfromf
strfroml strfry strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strrchr strsep strsignal strspn
strstr strtod strtof strtok strtol strtold strtoll strtoq strtoul strtoull strtouq strverscmp strxfrm system timespec
timeval uint ulong unlockpt unsetenv ushort valloc wcstombs wctomb
"""
_MATHEMATICS = """
acos acosh asin asinh atan atan2 atanh canonicalize cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 expm1 fabs
fdim finite floor fma fmax fmaximum fmaxmag fmin fminimum fminmag fmod frexp fromfp fromfpx gamma getpayload hypot ilogb
isinf isnan j0 j1 jn ldexp lgamma llogb llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint
nextafter nextdown nexttoward nextup pow remainder remquo rint round roundeven scalb scalbln scalbn setpayload
setpayloadsig signbit significand sin sincos sinh sqrt tan tanh tgamma totalorder totalordermag trunc ufromfp ufromfpx
y0 y1 yn
"""  # each of which has its float and long double

_TAKEN = frozenset(
    ["std", "abi", "posix", "fastnn", *_KEYWORDS.split(), *_GLOBAL.split()]
    + [name + suffix for name in _MATHEMATICS.split() for suffix in ("", "f", "l")]
)


def is_taken(name: str) -> bool:
    """Tell whether a namespace cannot have a name; POSIX keeps all that end in _t.

    >>> is_taken("tanh"), is_taken("size_t"), is_taken("digits")
    (True, True, False)
    """
    return name in _TAKEN or name.endswith("_t")
