"""Which of several languages that share an extension a file is in, by what stands in it.

Narrow on purpose: only the extensions that are common in published code. For each, tests are tried in order and the
first that finds its mark decides; if none does, the default of the extension stands. The extensions and what may share
them are linguist's; the marks are our own choice of what is hard to write in the other language.
"""

import functools
import re

# The language to assume for an extension that several languages list first, or that the wrong one lists first.
DEFAULTS = {
    ".as": "ActionScript",
    ".asc": "AsciiDoc",
    ".asm": "Assembly",
    ".b": "Limbo",
    ".bas": "BASIC",
    ".cfg": "INI",
    ".cgi": "Perl",
    ".cl": "OpenCL",
    ".cls": "TeX",
    ".cp": "C++",
    ".d": "D",
    ".ddl": "SQL",
    ".e": "Eiffel",
    ".es": "JavaScript",
    ".f": "Fortran",
    ".fcgi": "Perl",
    ".for": "Fortran",
    ".fpp": "Fortran",
    ".fr": "Frege",
    ".frag": "GLSL",
    ".frm": "Visual Basic 6.0",
    ".fx": "HLSL",
    ".gs": "JavaScript",
    ".h": "C",
    ".hh": "C++",
    ".html": "HTML",
    ".i": "SWIG",
    ".json": "JSON",
    ".jq": "jq",
    ".l": "Lex",
    ".lsp": "Common Lisp",
    ".m": "Objective-C",
    ".m4": "M4",
    ".md": "Markdown",
    ".ml": "OCaml",
    ".mod": "Modula-2",
    ".mojo": "Mojo",
    ".mpl": "Maple",
    ".ms": "Roff",
    ".nb": "Wolfram Language",
    ".p": "OpenEdge ABL",
    ".pkl": "Pkl",
    ".pl": "Perl",
    ".plt": "Gnuplot",
    ".pm": "Perl",
    ".pp": "Pascal",
    ".pro": "Prolog",
    ".properties": "Java Properties",
    ".r": "R",
    ".rpy": "Python",
    ".rs": "Rust",
    ".s": "Unix Assembly",
    ".sc": "Scala",
    ".scd": "SuperCollider",
    ".sch": "Scheme",
    ".scm": "Scheme",
    ".spec": "RPM Spec",
    ".sql": "SQL",
    ".st": "Smalltalk",
    ".star": "Starlark",
    ".t": "Perl",
    ".ts": "TypeScript",
    ".txt": "Text",
    ".v": "Verilog",
    ".vba": "VBA",
    ".workflow": "XML",
    ".yaml": "YAML",
    ".yy": "Yacc",
}

# Extensions that say nothing by themselves: without a mark the language is unknown. Files of .inc are included into any language.
WITHOUT_DEFAULT = frozenset({".inc"})

# Likewise for interpreters that run several languages.
DEFAULT_INTERPRETERS = {
    "bun": "TypeScript",
    "deno": "TypeScript",
    "lua": "Lua",
    "node": "JavaScript",
    "ocaml": "OCaml",
    "perl": "Perl",
    "perl6": "Raku",
}

_XML = rb"\A(?:\xef\xbb\xbf)?\s*<\?xml\b"
_OBJECTIVE_C = rb"^\s*(?:@(?:interface|implementation|protocol|property|end|class|import|selector)\b|#import\s+[<\"])"
_CPP = (
    rb"^\s*(?:template\s*<|class\s+\w+[^;=]*[{:]|namespace\b|using\s+(?:namespace\b|\w+\s*=|std::)|(?:public|private|protected)\s*:"
    rb"|#\s*include\s*<(?:algorithm|array|atomic|chrono|c(?:assert|stddef|stdint|stdio|stdlib|string|math)|functional|iostream"
    rb"|limits|map|memory|mutex|optional|set|sstream|string|thread|tuple|type_traits|unordered_map|utility|variant|vector)>)"
    rb"|\b(?:constexpr|noexcept|nullptr|static_cast<|std::\w)|\w+::~?\w+\s*\("
)
_PROLOG = rb"^\s*:-\s*\w|^[a-z]\w*\([^\n]*\)\s*(?::-|\.\s*$)"
_PERL = (
    rb"^\s*(?:use\s+(?:strict|warnings|v?5|[A-Z]\w*)|package\s+[\w:]+\s*;|(?:my|our|local)\s*\(?\s*[$@%]"
    rb"|sub\s+\w+\s*(?:\([$@%&*;\\_+\[\]]*\)\s*)?\{)|\A#!.*\bperl|[$@]\w+\s*=~|^=(?:head1|pod|cut)\b"
)
_RAKU = (
    rb"^\s*(?:use\s+v6|unit\s+(?:class|module|grammar|role)\b|(?:multi\s+)?(?:method|sub)\s+[\w-]+\s*\([^)]*\)\s*\{)"
)

# Extension -> what to try, in order. A mark is a regular expression over bytes, ^ at every line.
_MARKS: dict[str, tuple[tuple[str, bytes], ...]] = {
    ".al": (("Perl", _PERL), ("AL", rb"(?i)^\s*(?:codeunit|page|table|report|query|enum)(?:extension)?\s+\d+")),
    ".cls": (
        ("TeX", rb"\\(?:NeedsTeXFormat|ProvidesClass|LoadClass)\b"),
        ("Visual Basic 6.0", rb"(?i)\AVERSION\s+[\d.]+\s+CLASS"),
        (
            "Apex",
            rb"(?i)^\s*(?:@\w+\s*)?(?:public|global|private)\s+(?:(?:with|without)\s+sharing\s+|virtual\s+|abstract\s+)*class\b",
        ),
        ("ObjectScript", rb"^Class\s+[\w.%]+"),
    ),
    ".cs": (("Smalltalk", rb"^![\w ]+methodsFor:"),),
    ".d": (
        ("DTrace", rb"^(?:[\w*$-]*:[\w*]*:[\w*]*:[\w*-]*|BEGIN|END)\s*(?:/|\{|,|$)|^#pragma\s+D\s+option|\bdtrace\s+-"),
        ("D", rb"^\s*(?:module\s+[\w.]+\s*;|import\s+(?:std|core)\b|(?:public|static)\s+import\b|unittest\b)"),
        ("Makefile", rb"^[^\s:#]+\.\w+\s*:(?:\s|$)[^;{]*$"),
    ),
    ".f": (
        ("Forth", rb"^: \S+\s"),
        ("Fortran", rb"(?i)^(?:[c*!]|\s*(?:subroutine|program|function|end|common|integer|real)\b)"),
    ),
    ".fs": (
        ("Forth", rb"^: \S+\s"),
        ("GLSL", rb"^\s*(?:#version\s+\d|(?:uniform|varying|precision)\s+\w)"),
        ("F#", rb"^\s*(?:module|namespace|open|let|type|#light)\b"),
    ),
    ".gd": (
        ("GAP", rb"^\s*(?:Declare[A-Z]\w+|BindGlobal)\s*\("),
        ("GDScript", rb"^(?:extends|class_name|func|tool|@tool)\b"),
    ),
    # A header that asks whether it is compiled as C++ is written for C, whatever stands behind the question.
    ".h": (
        ("Objective-C", _OBJECTIVE_C),
        ("C", rb"^\s*#\s*if(?:def\s+__cplusplus|\s+defined\s*\(?\s*__cplusplus)\b[^\0]{0,200}?\bextern\s+\"C\""),
        ("C++", _CPP),
    ),
    ".hh": (("Hack", rb"<\?hh"),),
    ".inc": (
        ("PHP", rb"<\?(?:php|=)"),
        ("C++", _CPP + rb"|^\s*#\s*(?:include|define|ifn?def)\b"),
        ("HTML", rb"(?i)^\s*<(?:div|p|table|html|a|ul|span)\b"),
        ("BitBake", rb"^(?:inherit|require)\s+[\w./-]+\s*$"),
        ("Assembly", rb"(?im)^\s+(?:mov|push|pop|db|equ)\s"),
        ("Pascal", rb"(?i)^\s*(?:\{\$|procedure\b|end\.)"),
    ),
    ".json": (("OASv3-json", rb'"openapi"\s*:\s*"3\.'), ("OASv2-json", rb'"swagger"\s*:\s*"2\.')),
    ".l": (("Common Lisp", rb"^\s*\((?:def|in-package)"), ("Roff", rb"^\.(?:TH|SH|PP|\\\")"), ("Lex", rb"^%[%{}]")),
    ".lean": (("Lean 4", rb"^import\s+[A-Z]"), ("Lean", rb"^import\s+[a-z]")),
    ".m": (
        ("Objective-C", _OBJECTIVE_C),
        ("Mercury", rb"^:- module\b"),
        ("MUF", rb"^: \S+\s"),
        ("Wolfram Language", rb"\(\*|^\s*(?:BeginPackage|Begin|Needs)\["),
        (
            "MATLAB",
            rb"^\s*(?:%|function\b[^{;]*$|(?:end|clear|close all|clc)\s*;?\s*(?:%.*)?$)|^\s*\w+\s*=\s*(?:zeros|ones|linspace)\(",
        ),
        ("Objective-C", rb"^\s*(?:#include\b|//|/\*)"),
        ("Limbo", rb"^implement\s+\w+\s*;"),
    ),
    ".md": (("GCC Machine Description", rb"^\(define_(?:insn|expand|attr|constants|predicate)\b|\A;;"),),
    ".ml": (
        ("Standard ML", rb"^\s*(?:structure|signature|functor)\s+\w+|^\s*fun\s+\w+|=>\s"),
        ("OCaml", rb"^\s*(?:let|open|module|type)\b"),
    ),
    ".mm": (("XML", _XML),),
    ".mod": (
        ("XML", _XML + rb"|^\s*<!(?:ENTITY|ELEMENT)\b"),
        ("AMPL", rb"^\s*(?:param|var|minimize|maximize|subject to|set)\s+\w+[^;]*;"),
        ("Modula-2", rb"^\s*(?:(?:IMPLEMENTATION |DEFINITION )?MODULE\s+\w+\s*;|PROCEDURE\b)"),
        ("Linux Kernel Module", rb"\A\S+\.k?o\b"),
    ),
    ".mpl": (("JetBrains MPS", _XML),),
    ".p": (("Gnuplot", rb"^\s*(?:s?plot|set\s+(?:term|output|[xy]range|title|key))\b"),),
    ".php": (("Hack", rb"\A<\?hh"),),
    ".pl": (("Perl", _PERL), ("Raku", _RAKU), ("Prolog", _PROLOG)),
    ".plt": (("Prolog", _PROLOG),),
    ".pm": (("X PixMap", rb"/\* XPM"), ("Perl", _PERL), ("Raku", _RAKU)),
    ".pp": (
        ("Pascal", rb"(?i)^\s*(?:unit|program|uses|interface)\b[^{]*;?\s*$"),
        ("Puppet", rb"^\s*(?:class|define|node)\s+[\w:'\"]+|=>"),
    ),
    ".pro": (
        ("QMake", rb"^\s*(?:QT|TEMPLATE|SOURCES|HEADERS|CONFIG|TARGET)\s*[+-]?="),
        ("Proguard", rb"^-(?:keep|dontwarn|optimizations|keepclass)\w*"),
        ("Prolog", _PROLOG),
        ("IDL", rb"(?i)^\s*(?:pro|function)\s+\w+\s*(?:,|$)"),
    ),
    ".r": (("Rebol", rb"(?i)\bRebol\s*\["), ("R", rb"<-|^\s*#"), ("Rez", rb"^\s*(?:resource|type)\s+'\w{4}'")),
    ".re": (("C++", rb"/\*!re2c|^\s*#\s*include\b"),),
    ".rs": (("XML", _XML), ("RenderScript", rb"^\s*#(?:pragma\s+(?:version|rs)\b|include\b)")),
    ".s": (
        (
            "Motorola 68K Assembly",
            rb"(?im)^\s*(?:move[aqm]?|lea|bsr|clr|tst|addq|subq)(?:\.[bwls])?\s+[^\n]*\b[ad][0-7]\b",
        ),
        (
            "Unix Assembly",
            rb"^\s*\.(?:text|data|globl|global|section|type|file|align|p2align|balign|arch|cpu|syntax|cfi_\w+|code\d+)\b",
        ),
        (
            "Assembly",
            rb"(?im)^\s*(?:section\s+\.\w|global\s+\w|bits\s+\d|%(?:define|macro|include)\b|\w+\s+(?:segment|proc)\b)",
        ),
    ),
    ".sc": (
        ("Scala", rb"^\s*(?:object|import\s+scala|trait|case class|def)\b"),
        ("SuperCollider", rb"^\s*[+*]\s*\w+\s*\{|\|\s*\w+\s*\||SynthDef"),
    ),
    ".sql": (
        ("SQL", rb"(?im)^\s*delimiter\s+\S+\s*$"),
        ("PLpgSQL", rb"(?i)\bas\s+\$\w*\$|\blanguage\s+'?plpgsql'?|^\\i\b"),
        ("PLSQL", rb"(?i)^\s*/\s*$(?![^\0]*\bgo\s*$)|\bvarchar2\b|\bcreate\s+or\s+replace\s+package\b"),
        ("TSQL", rb"(?i)^\s*go\s*;?\s*$|\[dbo\]|\bdeclare\s+@\w+|\bnvarchar\b"),
    ),
    ".st": (
        ("StringTemplate", rb"\$\w+[.:;\w()]*\$|^\s*\w+\(.*\)\s*::="),
        ("Smalltalk", rb"^!|\^\s*self\b|\|\s*\w+(?:\s+\w+)*\s*\|"),
    ),
    ".t": (
        ("Perl", _PERL),
        ("Raku", _RAKU),
        ("Turing", rb"^\s*(?:var\s+\w+\s*:|end\s+(?:if|for|loop)\b|put\s)"),
        ("Terra", rb"^\s*(?:local\s+)?terra\s+\w"),
    ),
    ".ts": (("XML", rb"\A\s*<!DOCTYPE\s+TS\b|^<TS[\s>]|" + _XML),),
    ".tsx": (("XML", _XML),),
    ".txt": (("Vim Help File", rb"vim:[^\n]*\bft=help\b"),),
    ".v": (
        ("Rocq Prover", rb"^\s*(?:Require|Lemma|Theorem|Definition|Proof|Inductive|Fixpoint|Qed)\b"),
        ("V", rb"^\s*(?:pub\s+)?fn\s+(?:\([^)]*\)\s*)?\w+\s*\(|^module\s+\w+\s*$"),
        ("Verilog", rb"^\s*(?:module\s+\w+\s*[(#;]|`(?:define|include|timescale)|endmodule|always\b)"),
    ),
    ".yaml": (("OASv3-yaml", rb"^openapi:\s*['\"]?3\."), ("OASv2-yaml", rb"^swagger:\s*['\"]?2\.")),
    ".yy": (("JSON", rb"\A\s*[{\[]"),),
}
_MARKS[".yml"] = _MARKS[".yaml"]


@functools.cache
def _compiled(extension: str) -> tuple[tuple[str, re.Pattern[bytes]], ...]:
    return tuple((language, re.compile(mark, re.M)) for language, mark in _MARKS.get(extension, ()))


def choose(extension: str, head: bytes) -> str | None:
    """The language whose mark stands in the first bytes of a file with this extension; None if no mark is found."""
    return next((language for language, mark in _compiled(extension) if mark.search(head)), None)
