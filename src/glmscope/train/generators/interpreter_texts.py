"""Questions about strings and about single whole numbers: primes, Fibonacci, divisors."""

from __future__ import annotations

from collections.abc import Callable

from glmscope.train.generators.interpreter_material import Desk, Exchange, Run
from glmscope.train.generators.interpreter_numbers import draw

_IS = {
    ("zh", "True"): "是",
    ("zh", "False"): "不是",
    ("en", "True"): "is",
    ("en", "False"): "is not",
}
_RANGES = {
    "prime": "2..9999",
    "primes": "10..100",
    "fibonacci": "5..20",
    "fibonacci_term": "5..60",
    "binary": "2..1023",
    "divisors": "6..300",
    "digits": "10..999999",
    "hexadecimal": "10..65535",
    "octal": "8..4095",
    "from_binary": "2..255",
    "from_hexadecimal": "10..65535",
    "digit_count": "10..9999999",
    "prime_count": "10..1000",
    "prime_sum": "10..300",
    "next_prime": "10..5000",
    "divisor_count": "6..1000",
    "divisor_sum": "6..1000",
    "evens_to": "10..1000",
}
_IS_PRIME = "all(i % j for j in range(2, i))"
"""How code asks it of `i`, which is 2 or more."""
_TYPED = {"from_binary": "b", "from_hexadecimal": "X"}
"""How a question shows a number that is not a decimal one."""


def text_exchanges(desk: Desk) -> tuple[Exchange, ...]:
    """One question from the section `texts`."""
    section = desk.material["texts"]
    name = desk.draw_name("texts")
    if name in _RANGES:
        number = draw(desk.rng, _RANGES[name])
        slots = {"n": f"{int(number):{_TYPED.get(name, 'd')}}"}
        run = number_run(name, int(number))
    else:
        slots = _text_slots(desk, name)
        run = text_run(name, slots)
    result = _IS.get((desk.language, run.output), run.output)
    slots["result"] = result
    return (Exchange(desk.ask(section[name], slots), (run,), desk.answer(section[name], slots)),)


def number_run(name: str, n: int) -> Run:
    """The code for a question about the whole number `n`."""
    code, output = _NUMBERS[name](n)
    return Run(code, output)


def text_run(name: str, slots: dict[str, str]) -> Run:
    """The code for a question about the string in `slots`."""
    text = slots["text"]
    assign = f'text = "{text}"\n'
    if name == "reverse":
        return Run(f"{assign}print(text[::-1])", text[::-1])
    if name == "length":
        return Run(f"{assign}print(len(text))", str(len(text)))
    if name == "letter":
        letter = slots["letter"]
        return Run(f'{assign}print(text.count("{letter}"))', str(text.count(letter)))
    if name == "upper":
        return Run(f"{assign}print(text.upper())", text.upper())
    words = f"{text} {slots['text2']}"
    return Run(f'text = "{words}"\nprint(len(text.split()))', str(len(words.split())))


def _text_slots(desk: Desk, name: str) -> dict[str, str]:
    words = desk.material["words"]
    english = name in ("upper", "words") or desk.language == "en" or desk.rng.random() < 0.4
    parts = words["en_text" if english else "zh_text"]
    text = desk.pick(parts)
    if desk.rng.random() < 0.4:
        text = f"{text}{' ' if english else ''}{desk.pick(parts)}"
    if english and desk.rng.random() < 0.15:
        text = f"{text}{desk.rng.randint(1, 9999)}"
    letter = desk.pick([character for character in text if character.isalpha()])
    return {"text": text, "text2": " ".join(desk.rng.sample(parts, 4)), "letter": letter}


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % i for i in range(2, int(n**0.5) + 1))


def _prime(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint(n > 1 and all(n % i for i in range(2, int(n ** 0.5) + 1)))"
    return code, str(_is_prime(n))


def _primes(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint([i for i in range(2, n + 1) if {_IS_PRIME}])"
    return code, str(_primes_up_to(n))


def _fibonacci_terms(n: int) -> list[int]:
    terms = [1, 1]
    while len(terms) < n:
        terms.append(terms[-1] + terms[-2])
    return terms[:n]


def _fibonacci_code(n: int, printed: str) -> str:
    loop = "while len(terms) < n:\n    terms.append(terms[-1] + terms[-2])"
    return f"n = {n}\nterms = [1, 1]\n{loop}\nprint({printed})"


def _fibonacci(n: int) -> tuple[str, str]:
    return _fibonacci_code(n, "terms"), str(_fibonacci_terms(n))


def _fibonacci_term(n: int) -> tuple[str, str]:
    return _fibonacci_code(n, "terms[-1]"), str(_fibonacci_terms(n)[-1])


def _binary(n: int) -> tuple[str, str]:
    return f"print(bin({n})[2:])", f"{n:b}"


def _divisors(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint([i for i in range(1, n + 1) if n % i == 0])"
    return code, str(_divisors_of(n))


def _digits(n: int) -> tuple[str, str]:
    return f"print(sum(int(digit) for digit in str({n})))", str(sum(map(int, str(n))))


def _hexadecimal(n: int) -> tuple[str, str]:
    return f"print(hex({n})[2:])", f"{n:x}"


def _octal(n: int) -> tuple[str, str]:
    return f"print(oct({n})[2:])", f"{n:o}"


def _from_binary(n: int) -> tuple[str, str]:
    return f'print(int("{n:b}", 2))', str(n)


def _from_hexadecimal(n: int) -> tuple[str, str]:
    return f'print(int("{n:X}", 16))', str(n)


def _digit_count(n: int) -> tuple[str, str]:
    return f"print(len(str({n})))", str(len(str(n)))


def _primes_up_to(n: int) -> list[int]:
    return [i for i in range(2, n + 1) if _is_prime(i)]


def _prime_count(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint(sum({_IS_PRIME} for i in range(2, n + 1)))"
    return code, str(len(_primes_up_to(n)))


def _prime_sum(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint(sum(i for i in range(2, n + 1) if {_IS_PRIME}))"
    return code, str(sum(_primes_up_to(n)))


def _next_prime(n: int) -> tuple[str, str]:
    code = f"n = {n} + 1\nwhile not all(n % i for i in range(2, n)):\n    n += 1\nprint(n)"
    return code, str(next(i for i in range(n + 1, 2 * n + 2) if _is_prime(i)))


def _divisors_of(n: int) -> list[int]:
    return [i for i in range(1, n + 1) if n % i == 0]


def _divisor_count(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint(sum(n % i == 0 for i in range(1, n + 1)))"
    return code, str(len(_divisors_of(n)))


def _divisor_sum(n: int) -> tuple[str, str]:
    code = f"n = {n}\nprint(sum(i for i in range(1, n + 1) if n % i == 0))"
    return code, str(sum(_divisors_of(n)))


def _evens_to(n: int) -> tuple[str, str]:
    return f"print(sum(range(2, {n} + 1, 2)))", str(sum(range(2, n + 1, 2)))


_NUMBERS: dict[str, Callable[[int], tuple[str, str]]] = {
    "prime": _prime,
    "primes": _primes,
    "fibonacci": _fibonacci,
    "fibonacci_term": _fibonacci_term,
    "binary": _binary,
    "divisors": _divisors,
    "digits": _digits,
    "hexadecimal": _hexadecimal,
    "octal": _octal,
    "from_binary": _from_binary,
    "from_hexadecimal": _from_hexadecimal,
    "digit_count": _digit_count,
    "prime_count": _prime_count,
    "prime_sum": _prime_sum,
    "next_prime": _next_prime,
    "divisor_count": _divisor_count,
    "divisor_sum": _divisor_sum,
    "evens_to": _evens_to,
}
