"""Names that the namespace of an exported header cannot have, since C++, its library or C's has taken them."""

_KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class compl
concept const consteval constexpr constinit const_cast continue co_await co_return co_yield decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""

# In the global namespace: C's and POSIX's names of one word, whichever of their headers a program includes, and GNU's
# where C++ shows them unasked.
_GLOBAL = """
a64l abort abs accept accept4 access acct ACTION addrinfo adjtime aiocb alarm aligned_alloc alloca alphasort arc4random
asctime asprintf at_quick_exit atexit atof atoi atol atoll basename bcmp bcopy bind brk bsearch btowc BUFSIZ bzero
c16rtomb c32rtomb c8rtomb calloc chdir chmod chown chroot clearenv clearerr clock clone close closedir closefrom
closelog cmsghdr confstr connect creat crypt ctermid ctime cuserid daemon daylight difftime DIR dirent dirfd dirname div
dlclose dlerror dlopen dlsym dprintf drand48 dup dup2 dup3 duplocale eaccess ecvt endusershell ENTRY entry environ EOF
erand48 errno euidaccess execl execle execlp execv execve execveat execvp execvpe exit faccessat fallocate fchdir fchmod
fchmodat fchown fchownat fclose fcloseall fcntl fcvt fdatasync fdopen feclearexcept fedisableexcept feenableexcept
fegetenv fegetexcept fegetexceptflag fegetmode fegetround feholdexcept feof feraiseexcept ferror fesetenv fesetexcept
fesetexceptflag fesetmode fesetround fetestexcept fetestexceptflag feupdateenv fexecve fflush ffs ffsl ffsll fgetc
fgetpos fgets fgetwc fgetws FILE fileno flock flockfile fmemopen fnmatch fopen fopencookie fork fpathconf fprintf fputc
fputs fputwc fputws fread free freeaddrinfo freelocale freopen fscanf fseek fseeko fsetpos fstat fstatat fsync ftell
ftello ftok ftruncate ftrylockfile FTW ftw funlockfile futimens futimes futimesat fwide fwprintf fwrite fwscanf gcvt
getaddrinfo getc getchar getcpu getcwd getdate getdelim getdomainname getdtablesize getegid getentropy getenv geteuid
getgid getgrent getgrgid getgrnam getgroups gethostbyaddr gethostbyname gethostent gethostid gethostname getitimer
getline getloadavg getlogin getnameinfo getopt getpagesize getpass getpeername getpgid getpgrp getpid getppid
getpriority getpt getpwent getpwnam getpwuid getresgid getresuid getrlimit getrusage getsid getsockname getsockopt
getsubopt gettid gettimeofday getuid getumask getusershell getw getwc getwchar getwd glob globfree gmtime grantpt group
gsignal hcreate hdestroy hostent hsearch htonl htons i386 iconv imaxabs imaxdiv index INFINITY initstate insque ioctl
iovec isalnum isalpha isascii isatty isblank iscntrl isdigit isgraph islower isprint ispunct isspace isupper iswalnum
iswalpha iswblank iswcntrl iswctype iswdigit iswgraph iswlower iswprint iswpunct iswspace iswupper iswxdigit isxdigit
itimerspec itimerval jmp_buf jrand48 kill killpg l64a labs lchmod lchown lcong48 lconv ldiv lfind linger link linkat
linux listen llabs lldiv localeconv localtime lockf longjmp lrand48 lsearch lseek lstat lutimes madvise malloc mblen
mbrlen mbrtoc16 mbrtoc32 mbrtoc8 mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstowcs mbtowc memccpy memchr memcmp memcpy
memfrob memmem memmove mempcpy memrchr memset mincore mkdir mkdirat mkdtemp mkfifo mkfifoat mknod mknodat mkostemp
mkostemps mkstemp mkstemps mktemp mktime mlock mlock2 mlockall mmap mprotect mrand48 mremap msgctl msgget msghdr msgrcv
msgsnd msync munlock munlockall munmap NAN nanosleep netent newlocale nftw nice nrand48 ntohl ntohs NULL obstack open
openat opendir openlog optarg opterr optind option optopt passwd pathconf pause pclose perror pipe pipe2 poll pollfd
popen ppoll pread printf profil protoent pselect psiginfo psignal ptsname putc putchar putenv puts putw putwc putwchar
pwrite qecvt qfcvt qgcvt qsort quick_exit raise rand random rawmemchr read readahead readdir readlink readlinkat readv
realloc reallocarray realpath recv recvfrom recvmmsg recvmsg regcomp regerror regexec regfree remove remque rename
renameat renameat2 revoke rewind rewinddir rindex rlimit rmdir rpmatch rusage sbrk scandir scanf seed48 seekdir select
semctl semget semop send sendmmsg sendmsg sendto servent setbuf setbuffer setdomainname setegid setenv seteuid setgid
sethostid sethostname setitimer setjmp setlinebuf setlocale setlogin setns setpgid setpgrp setpriority setregid
setresgid setresuid setreuid setrlimit setsid setsockopt setstate settimeofday setuid setusershell setvbuf shmat shmctl
shmdt shmget shutdown sigaction sigaddset sigaltstack sigandset sigdelset sigemptyset sigevent sigfillset sighold
sigignore siginterrupt sigisemptyset sigismember siglongjmp signal signgam sigorset sigpause sigpending sigprocmask
sigqueue sigrelse sigset sigstack sigsuspend sigtimedwait sigval sigwait sigwaitinfo sleep snprintf sockaddr sockatmark
socket socketpair splice sprintf srand srand48 srandom sscanf ssignal stat statvfs statx stderr stdin stdout stpcpy
stpncpy strcasecmp strcasestr strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strerror strfmon strfromd
strfromf strfroml strfry strftime strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk strptime strrchr
strsep strsignal strspn strstr strtod strtof strtoimax strtok strtol strtold strtoll strtoq strtoul strtoull strtoumax
strtouq strverscmp strxfrm swab swprintf swscanf symlink symlinkat sync syncfs syscall sysconf syslog system tcdrain
tcflow tcflush tcgetattr tcgetpgrp tcsetattr tcsetpgrp tdelete tee telldir tempnam termios tfind tgkill time timegm
timelocal times timespec timespec_get timeval timex timezone tm tmpfile tmpnam tms toascii tolower toupper towctrans
towlower towupper truncate tsearch ttyname ttyslot twalk tzset ualarm ucred uint ulimit ulong umask uname ungetc ungetwc
unix unlink unlinkat unlockpt unsetenv unshare uselocale ushort usleep utimbuf utime utimensat utimes utmp utmpx utsname
va_list valloc vasprintf vdprintf vfork vfprintf vfscanf vfwprintf vfwscanf vhangup VISIT vmsplice vprintf vscanf
vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf wait wait3 wait4 waitid waitpid wcpcpy wcpncpy wcrtomb
wcscasecmp wcscat wcschr wcschrnul wcscmp wcscoll wcscpy wcscspn wcsdup wcsftime wcslen wcsncasecmp wcsncat wcsncmp
wcsncpy wcsnlen wcsnrtombs wcspbrk wcsrchr wcsrtombs wcsspn wcsstr wcstod wcstof wcstoimax wcstok wcstol wcstold wcstoll
wcstombs wcstoq wcstoul wcstoull wcstoumax wcstouq wcswcs wcswidth wcsxfrm wctob wctomb wctrans wctype wcwidth winsize
wmemchr wmemcmp wmemcpy wmemmove wmempcpy wmemset wordexp wordfree wprintf write writev wscanf
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
    ["std", "abi", "posix", "main", "fastnn", *_KEYWORDS.split(), *_GLOBAL.split()]
    + [name + suffix for name in _MATHEMATICS.split() for suffix in ("", "f", "l")]
)


def is_taken(name: str) -> bool:
    """Tell whether a namespace cannot have a name; POSIX keeps all that end in _t.

    >>> is_taken("tanh"), is_taken("size_t"), is_taken("digits")
    (True, True, False)
    """
    return name in _TAKEN or name.endswith("_t")
