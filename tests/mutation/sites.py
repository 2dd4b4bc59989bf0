"""Finds what can be broken in a C++ source, and writes the source with all of it switchable at run time (mutant.h).

It reads tokens, not types: the sources are formatted by clang-format (the test command checks it), so an operator of two
operands has blanks around it, and a bracket of a template has none. What does not compile is dropped by mutate.py, and
operands of the wrong type report themselves when the program starts (mutant::not_a_site).
"""
import bisect
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""
    (?P<space>\s+) | (?P<comment>//[^\n]*|/\*.*?\*/) | (?P<raw>R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)") |
    (?P<directive>^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*) |
    (?P<string>"(?:\\.|[^"\\\n])*") | (?P<char>'(?:\\.|[^'\\\n])+') | (?P<word>[A-Za-z_]\w*) |
    (?P<number>\d(?:'?[\w.]|(?<=[eEpP])[+-])*) |
    (?P<sign><=>|->\*|<<=|>>=|\.\.\.|::|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])
    """, re.X | re.S | re.M)

PRECEDENCE = {"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<=>": 7, "<": 6, "<=": 6, ">": 6, ">=": 6,
              "==": 5, "!=": 5, "&": 4, "^": 3, "|": 2, "&&": 1, "||": 0}
SEPARATORS = {",", ";", "?", ":", "=", "+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "<<=", ">>=", "{", "(", "["}
WORDS_BEFORE = {"return", "case", "else", "do", "throw", "co_return", "goto"}
NO_OPERAND = WORDS_BEFORE | {"operator", "const", "typename", "class", "struct", "constexpr", "auto"}
NO_STATEMENT = {"return", "break", "continue", "using", "goto", "case", "typedef", "static", "const", "constexpr", "auto",
                "struct", "class", "enum", "union", "template", "namespace", "friend", "public", "private", "protected",
                "if", "for", "while", "do", "switch", "else", "default", "delete", "throw", "static_assert",
                "MEMOPT_CHECK", "MEMOPT_ASSIGN_OR_RETURN", "RecordProperty", "extern", "explicit", "virtual", "inline"}
# What stands in the arguments of these is text for people.
MESSAGES = re.compile(r"^(\w*_?failure|\w*error|fail|invalid|bad_input|collision|in_context|to_string|quoted|Error|refuse|text|"
                      r"MEMOPT_CHECK|static_assert|defined|sizeof|decltype|alignas|noexcept|reserve|\w*unsupported\w*|reason\w*)$")
BOOLEAN_END = {"&&", "||"}


@dataclass
class Token:
    kind: str
    text: str
    begin: int
    end: int
    blank_before: bool = False
    blank_after: bool = False


@dataclass
class Site:
    """One place: insertions into the source, and what its mutants (by number within the site) change."""
    at: int  # offset, for the line
    edits: list  # (begin, end, order, text with {0}, {1} ... for mutants)
    changes: list
    function: str = ""
    mutants: list = field(default_factory=list)


def tokenize(text):
    tokens, blank = [], True
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "tag" else "raw"
        if kind in ("space", "comment", "directive"):
            blank = True
            if tokens:
                tokens[-1].blank_after = True
            continue
        tokens.append(Token("string" if kind == "raw" else kind, match.group(), match.start(), match.end(), blank))
        blank = False
    return tokens


class Source:
    def __init__(self, text):
        self.text = text
        self.tokens = tokenize(text)
        self.match = {}
        self.parent = []  # of each token: the opening bracket around it, or None
        self._match_brackets()
        self._find_scopes()

    def _match_brackets(self):
        stack = []
        for i, token in enumerate(self.tokens):
            self.parent.append(stack[-1] if stack else None)
            if token.text in ("(", "[", "{"):
                stack.append(i)
            elif token.text == "<" and not token.blank_before or token.text == "<" and self._word(i - 1) == "template":
                stack.append(i)
            elif token.text in (">", ">>") and stack and self.tokens[stack[-1]].text == "<":
                for _ in token.text:
                    if stack and self.tokens[stack[-1]].text == "<":
                        opening = stack.pop()
                        self.match[opening], self.match[i] = i, opening
            elif token.text in (")", "]", "}"):
                while stack and self.tokens[stack[-1]].text == "<":
                    stack.pop()  # not a bracket after all
                if stack:
                    opening = stack.pop()
                    self.match[opening], self.match[i] = i, opening
                    self.parent[i] = stack[-1] if stack else None

    def _word(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def _find_scopes(self):
        """Of every brace: whether it is a block of statements, and the name of the function it belongs to."""
        self.is_block, self.function_of, self.skipped = {}, {}, []
        for i, token in enumerate(self.tokens):
            if token.text != "{" or i not in self.match:
                continue
            start = i
            while start > 0 and self._word(start - 1) not in (";", "{", "}") and start != self.parent[i]:
                start -= 1
                if start in self.match and self._word(start) in (")", "]"):
                    start = self.match[start]
            head = [t.text for t in self.tokens[start:i]]
            before = self._word(i - 1)
            inside = self.parent[i]
            in_block = inside is not None and self.is_block.get(inside, False)
            outer = self.function_of.get(inside, "") if inside is not None else ""
            around = inside
            while around is not None and not outer:  # a lambda within parentheses
                outer, around = self.function_of.get(around, ""), self.parent[around]
            named = {"namespace", "struct", "class", "enum", "union"} & set(head) and "(" not in head
            if named:
                self.is_block[i] = False
                self.function_of[i] = ""
                if "enum" in head:
                    self.skipped.append((i, self.match[i]))
                continue
            block = before in (")", "const", "noexcept", "override", "else", "do", "try", "mutable", "") or \
                before in (";", "{", "}") or "->" in head[-6:] and before not in ("=", ",", "(")
            if before == "]":  # a lambda without parameters
                block = True
            if not block and not in_block and ":" in head and ")" in head and before in (")", "}"):
                block = True
            self.is_block[i] = block
            name = outer
            if block and not outer:
                for k in range(start, i):
                    if self._word(k) == "(" and k > start and self.tokens[k - 1].kind == "word":
                        name = self._word(k - 1)
                        break
                if "constexpr" in head or "consteval" in head:
                    self.skipped.append((start, self.match[i]))
            self.function_of[i] = name
        for i, token in enumerate(self.tokens):
            if token.text in ("constexpr", "using", "typedef", "static_assert", "case", "concept", "requires"):
                end = i
                while end + 1 < len(self.tokens) and self._word(end) not in (";", "{") + ((":",) if token.text == "case" else ()):
                    end += 1
                    if end in self.match and self.match[end] > end and self._word(end) != "{":
                        end = self.match[end]
                self.skipped.append((i, end))
                if token.text == "constexpr" and self._word(end) == "{" and end in self.match and \
                        not self.is_block.get(end, False):
                    self.skipped.append((end, self.match[end]))
            if token.text == "<" and i in self.match:
                self.skipped.append((i, self.match[i]))

    def function(self, i):
        while i is not None:
            if i in self.function_of and self.function_of[i]:
                return self.function_of[i]
            i = self.parent[i]
        return ""

    def in_function(self, i):
        while i is not None:
            if self.is_block.get(i):
                return True
            i = self.parent[i]
        return False

    def is_skipped(self, i):
        if any(first <= i <= last for first, last in self.skipped):
            return True
        at = self.parent[i]
        while at is not None:
            if self._word(at) in ("(", "{") and at > 0 and MESSAGES.match(self._word(at - 1)):
                return True
            at = self.parent[at]
        return False

    def is_binary(self, i):
        token = self.tokens[i]
        if token.text not in PRECEDENCE or not token.blank_before or not token.blank_after or i == 0 or i in self.match:
            return False
        before = self.tokens[i - 1]
        return before.kind in ("number", "string", "char") or before.text in (")", "]", "}") or \
            before.kind == "word" and before.text not in NO_OPERAND

    def left_of(self, i):
        """The first token of the left operand."""
        level, at = PRECEDENCE[self.tokens[i].text], i
        while at > 0:
            before = at - 1
            word = self._word(before)
            if before in self.match and self.match[before] < before:
                if word == "}" and at != i and (self.tokens[at].kind in ("word", "number", "string") or
                                                self._word(at) in ("*", "++", "--", "!")):
                    break  # the end of a block, not of an operand
                if word == ")" and at != i and self.tokens[at].blank_before and self._is_control(self.match[before]):
                    break
                at = self.match[before]
                continue
            if word in SEPARATORS or word in WORDS_BEFORE or word == "<" and before in self.match:
                break
            if self.is_binary(before) and PRECEDENCE[word] < level:
                break
            at = before
        return at

    def _is_control(self, opening):
        return self._word(opening - 1) in ("if", "for", "while", "switch", "constexpr")

    def right_of(self, i):
        """The last token of the right operand."""
        level, at = PRECEDENCE[self.tokens[i].text], i
        while at + 1 < len(self.tokens):
            after = at + 1
            word = self._word(after)
            if after in self.match and self.match[after] > after:
                at = self.match[after]
                continue
            if word in (")", "]", "}", ",", ";", "?", ":") or after in self.match or word in SEPARATORS - {"{", "(", "["}:
                break
            if self.is_binary(after) and PRECEDENCE[word] <= level:
                break
            at = after
        return at

    def span(self, first, last):
        return " ".join(self.text[self.tokens[first].begin:self.tokens[last].end].split())

    def top_level(self, first, last):
        """The tokens of [first, last] that are in no bracket of it."""
        i = first
        while i <= last:
            yield i
            i = self.match[i] + 1 if i in self.match and self.match[i] > i else i + 1


def short(text, most=70):
    return text if len(text) <= most else text[:most - 3] + "..."


RELATIONS = {"<": ("kLess", "<=", ">="), "<=": ("kLessEqual", "<", ">"), ">": ("kGreater", ">=", "<="),
             ">=": ("kGreaterEqual", ">", "<")}


class Finder:
    def __init__(self, source):
        self.s = source
        self.sites = []
        self.conditions = set()  # (first, last) tokens wrapped by `when`

    def find(self):
        s = self.s
        for i, token in enumerate(s.tokens):
            if not s.in_function(i) or s.is_skipped(i):
                continue
            word = token.text
            if word in ("if", "while") and s._word(i + 1) == "(":
                self.control(i, word)
            elif word in BOOLEAN_END and s.is_binary(i):
                self.logical(i)
            elif word == "?" and token.blank_before:
                self.ternary(i)
        for i, token in enumerate(s.tokens):
            if not s.in_function(i) or s.is_skipped(i):
                continue
            if token.text in RELATIONS and s.is_binary(i):
                self.relation(i)
            elif token.text in ("==", "!=") and s.is_binary(i):
                self.equality(i)
            elif token.text in ("+", "-", "*", "/", "%") and s.is_binary(i):
                self.arithmetic(i)
            elif token.text == "return" and s._word(i + 1) in ("true", "false") and s._word(i + 2) == ";":
                self.flip(i + 1)
            elif token.text == "std" and s._word(i + 1) == "::":
                self.library(i)
            elif token.text in ("continue", "break") and s._word(i - 1) in (";", "}"):
                self.statement(i, i + 1)
        self.statements()
        return self.sites

    def add(self, at, edits, changes):
        self.sites.append(Site(self.s.tokens[at].begin, edits, changes, self.s.function(self.s.parent[at])))

    def wrap(self, first, last, opening, closing=")"):
        """Insertions around tokens; `order` nests what begins or ends at one place: the longer one outside. In parentheses, for the
        commas of templates mean something else to macros."""
        begin, end = self.s.tokens[first].begin, self.s.tokens[last].end
        return [(begin, begin, (1, -(end - begin)), "(" + opening), (end, end, (0, end - begin), closing + ")")]

    def replace(self, i, text):
        token = self.s.tokens[i]
        return (token.begin, token.end, (2, 0), text)

    # Conditions.
    def condition(self, first, last, never=True, always=True):
        s = self.s
        if first > last or (first, last) in self.conditions:
            return
        if any(s._word(i) in BOOLEAN_END and s.is_binary(i) for i in s.top_level(first, last)):
            return  # its parts are conditions
        if s._word(first) == "(" and s.match.get(first) == last:
            inner = list(s.top_level(first + 1, last - 1))
            if any(s._word(i) in BOOLEAN_END and s.is_binary(i) for i in inner):
                return
        if any(s._word(i) in SEPARATORS - {"(", "{", "[", "?", ":"} for i in s.top_level(first, last)):
            return  # a declaration
        self.conditions.add((first, last))
        text = short(s.span(first, last))
        changes, opening = [], "::mutant::when<"
        opening += "{%d}, " % len(changes) if never else "-1, "
        if never:
            changes.append(f"{text}: never")
        opening += "{%d}>(" % len(changes) if always else "-1>("
        if always:
            changes.append(f"{text}: always")
        self.add(first, self.wrap(first, last, opening), changes)

    def control(self, i, word):
        s = self.s
        first, last = i + 2, s.match[i + 1] - 1
        for k in s.top_level(first, last):
            if s._word(k) == ";":
                first = k + 1
        self.condition(first, last, always=word == "if")

    def logical(self, i):
        s = self.s
        self.condition(s.left_of(i), i - 1)
        self.condition(i + 1, s.right_of(i))

    def ternary(self, i):
        s = self.s
        first = i
        while first > 0:
            before, word = first - 1, s._word(first - 1)
            if before in s.match and s.match[before] < before:
                if word == "}" and first != i:
                    break
                first = s.match[before]
                continue
            if word in SEPARATORS or word in WORDS_BEFORE:
                break
            if s.is_binary(before) and word == "<<":
                break
            first = before
        self.condition(first, i - 1)

    def in_condition(self, first, last):
        return (first, last) in self.conditions

    # Operators.
    def operands(self, i):
        first, last = self.s.left_of(i), self.s.right_of(i)
        if first == i or last == i:
            return None
        return first, last, self.s.span(first, i - 1), self.s.span(i + 1, last)

    def relation(self, i):
        found = self.operands(i)
        if not found:
            return
        first, last, a, b = found
        kind, border, negated = RELATIONS[self.s._word(i)]
        word = self.s._word(i)
        here = short(f"{a} {word} {b}")
        changes = [f"{here}: {border}"]
        negates = not self.in_condition(first, last) and not self.in_loop_head(i)
        if negates:
            changes.append(f"{here}: {negated}")
        opening = "::mutant::compare<{0}, %s, ::mutant::Relation::%s>(" % ("{1}" if negates else "-1", kind)
        self.add(i, self.wrap(first, last, opening) + [self.replace(i, ",")], changes)
        for k in (first, last):
            if first == i - 1 and k == first or last == i + 1 and k == last:
                down = (word in ("<", "<=")) == (k == last)  # the border is one more
                if word in ("<=", ">="):
                    down = not down
                self.constant(k, -1 if down else 1, here)

    def in_loop_head(self, i):
        opening = self.s.parent[i]
        return opening is not None and self.s._word(opening) == "(" and self.s._word(opening - 1) in ("for", "while")

    def equality(self, i):
        found = self.operands(i)
        if not found:
            return
        first, last, a, b = found
        word = self.s._word(i)
        here = short(f"{a} {word} {b}")
        negates = not self.in_condition(first, last)
        if b == "nullptr" or a == "nullptr" or b in ("true", "false") or self.s.tokens[last].kind in ("string", "char"):
            if negates:
                opening = "::mutant::negated<{0}, %s>(" % ("true" if word == "==" else "false")
                self.add(i, self.wrap(first, last, opening), [f"{here}: negated"])
            return
        changes = [f"{here}: {'<=' if word == '==' else '>'}", f"{here}: {'>=' if word == '==' else '<'}"]
        if negates:
            changes.append(f"{here}: negated")
        opening = "::mutant::equal<{0}, {1}, %s, %s>(" % ("{2}" if negates else "-1", "true" if word == "==" else "false")
        self.add(i, self.wrap(first, last, opening) + [self.replace(i, ",")], changes)
        if last == i + 1:
            self.constant(last, 1, here)

    def arithmetic(self, i):
        s = self.s
        found = self.operands(i)
        if not found:
            return
        first, last, a, b = found
        if any(s.tokens[k].kind in ("string", "char") or s._word(k) in ("to_string", "string", "quoted", "text", "name")
               for k in range(first, last + 1)):
            return
        word = s._word(i)
        here = short(f"{a} {word} {b}")
        if word in "+-":
            changes = [f"{here}: {'-' if word == '+' else '+'}", f"{here}: without {short(b, 30)}"]
            opening = "::mutant::arithmetic<{0}, {1}, '%s'>(" % word
        else:
            changes = [f"{here}: without {word} {short(b, 30)}"]
            opening = "::mutant::arithmetic<-1, {0}, '%s'>(" % word
        self.add(i, self.wrap(first, last, opening) + [self.replace(i, ",")], changes)
        if last == i + 1 and word in "/%":
            self.constant(last, 1, here)

    def constant(self, i, by, here):
        token = self.s.tokens[i]
        found = re.fullmatch(r"(\d+)([uUlL]*)", token.text)
        if not found or int(found[1]) + by < 0:
            return
        other = f"{int(found[1]) + by}{found[2]}"
        self.add(i, self.wrap(i, i, "::mutant::constant<{0}>(", f", {other})"), [f"{here}: {token.text} as {other}"])

    def flip(self, i):
        other = "false" if self.s._word(i) == "true" else "true"
        self.add(i, self.wrap(i, i, "::mutant::negated<{0}, true>("), [f"return {self.s._word(i)}: {other}"])

    def library(self, i):
        s = self.s
        name, opening = s._word(i + 2), i + 3
        explicit = s._word(opening) == "<" and opening in s.match
        typed = s.text[s.tokens[opening].begin + 1:s.tokens[s.match[opening]].begin] if explicit else None
        call = s.match[opening] + 1 if explicit else opening
        if s._word(call) != "(":
            return
        kinds = {"min": ("extreme", "true", "max"), "max": ("extreme", "false", "min"),
                 "min_element": ("extreme_element", "true", "max_element"),
                 "max_element": ("extreme_element", "false", "min_element"),
                 "all_of": ("quantifier", "true", "any_of"), "any_of": ("quantifier", "false", "all_of"),
                 "lower_bound": ("bound", "true", "upper_bound"), "upper_bound": ("bound", "false", "lower_bound")}
        if name not in kinds:
            return
        function, flag, other = kinds[name]
        if typed:
            function, flag = function + "_as", flag + ", " + typed
        edit = (s.tokens[i].begin, s.tokens[call].begin, (2, 0), "::mutant::%s<{0}, %s>" % (function, flag))
        self.add(i, [edit], [f"{short(s.span(i, s.match[call]))}: std::{other}"])

    # Statements that may be left out.
    def statements(self):
        s = self.s
        for i in range(1, len(s.tokens)):
            before = s._word(i - 1)
            controlled = before == ")" and (i - 1) in s.match and s._is_control(s.match[i - 1]) or before == "else"
            if before not in (";", "{", "}") and not controlled or not s.in_function(i) or s.is_skipped(i):
                continue
            inner = s.parent[i]
            if inner is None or s._word(inner) != "{" or not s.is_block.get(inner):
                continue
            token = s.tokens[i]
            if token.text in NO_STATEMENT or token.kind != "word" and token.text not in ("*", "++", "--", "("):
                continue
            end = i
            while end < len(s.tokens) and s._word(end) != ";":
                end = s.match[end] + 1 if end in s.match and s.match[end] > end else end + 1
                if end < len(s.tokens) and s._word(end) in ("}", ")"):
                    break
            if end >= len(s.tokens) or s._word(end) != ";" or not self.is_expression(i, end - 1):
                continue
            if MESSAGES.match(token.text) or "reserve" in (s._word(k) for k in s.top_level(i, end)):
                continue
            self.statement(i, end)

    def is_expression(self, first, last):
        s = self.s
        top = list(s.top_level(first, last))
        assigned = [k for k in top if s._word(k) in SEPARATORS and s._word(k).endswith("=")]
        target = [k for k in top if not assigned or k < assigned[0]]
        for one, two in zip(target, target[1:]):
            a, b = s.tokens[one], s.tokens[two]
            if b.kind == "word" and (a.kind == "word" or a.text in ("*", "&", "&&") and a.blank_after and one != first or
                                     one in s.match and a.text == "<"):
                return False  # a declaration
        if assigned:
            return True
        return s._word(last) == ")" or s._word(first) in ("++", "--") or s._word(last) in ("++", "--")

    def statement(self, first, end):
        s = self.s
        begin = s.tokens[first].begin
        edit = (begin, begin, (1, -10**9), "if (!::mutant::on({0})) ")
        self.add(first, [edit], [f"{short(s.span(first, end))}: left out"])


def mutate(text, sites):
    """The source with the sites, whose `mutants` are numbered."""
    edits = []
    for site in sites:
        for begin, end, order, replacement in site.edits:
            for k, number in enumerate(site.mutants):
                replacement = replacement.replace("{%d}" % k, str(number))
            edits.append((begin, order, end, replacement))
    edits.sort(key=lambda edit: edit[:3])
    result, at = ['#include "mutation/mutant.h"\n#line 1\n'], 0
    for begin, _, end, replacement in edits:
        result += [text[at:begin], replacement]
        at = end
    result.append(text[at:])
    return "".join(result)


def sites_of(text):
    return Finder(Source(text)).find()


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1
