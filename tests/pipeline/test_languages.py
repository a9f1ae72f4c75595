"""Languages by name, extension, interpreter and content; vendored and generated marks."""

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import ambiguous, languages, marks
from datasets_app.pipeline.sources.installed import environment_paths


class DetectTest(SimpleTestCase):
    def assert_language(self, path: str, expected: str | None, content: str = "") -> None:
        self.assertEqual(languages.detect(path, content.encode()), expected, path)

    def test_by_extension_in_any_case(self) -> None:
        for path, expected in {
            "a/b.py": "Python",
            "B.PYI": "Python",
            "x.tsx": "TSX",
            "x.rs": "Rust",
            "x.go": "Go",
            "x.java": "Java",
            "x.cpp": "C++",
            "x.yml": "YAML",
            "x.yaml": "YAML",
            "x.json": "JSON",
            "x.html": "HTML",
            "README.md": "Markdown",
            "notes.txt": "Text",
            "x.F90": "Fortran Free Form",
            "app.min.js": "JavaScript",
        }.items():
            self.assert_language(path, expected)

    def test_the_whole_name_goes_before_the_extension(self) -> None:
        self.assert_language("src/CMakeLists.txt", "CMake")
        self.assert_language("Makefile", "Makefile")
        self.assert_language("go.mod", "Go Module")
        self.assert_language("a/Dockerfile", "Dockerfile")

    def test_the_longest_extension_goes_before_a_shorter_one(self) -> None:
        self.assert_language("view.blade.php", "Blade")

    def test_an_unknown_file_has_no_language(self) -> None:
        self.assert_language("data.qqq", None)
        self.assert_language("noextension", None)
        self.assert_language("x.", None)
        self.assert_language("", None)

    def test_by_interpreter_where_the_name_says_nothing(self) -> None:
        for line, expected in {
            "#!/usr/bin/python3\n": "Python",
            "#!/usr/bin/env python3.11\n": "Python",
            "#! /usr/bin/env -S python3 -u\n": "Python",
            "#!/usr/bin/env FOO=1 bash\n": "Shell",
            "#!/bin/sh\n": "Shell",
            "#!/usr/local/bin/perl -w\n": "Perl",
            "#!/usr/bin/env node\n": "JavaScript",
            "#!/usr/bin/ruby2.7\n": "Ruby",
            "#!/opt/strange/thing\n": None,
            "#!\n": None,
            "no such line\n": None,
        }.items():
            with self.subTest(line):
                self.assert_language("bin/tool", expected, line)

    def test_the_extension_goes_before_the_interpreter(self) -> None:
        self.assert_language("x.py", "Python", "#!/bin/sh\n")

    def test_content_decides_between_languages_of_one_extension(self) -> None:
        for path, content, expected in (
            ("a.h", "#ifndef A_H\n#define A_H\nint add(int a, int b);\n#endif\n", "C"),
            ("a.h", "#pragma once\nnamespace acme {\ntemplate <typename T> T id(T x);\n}\n", "C++"),
            ("a.h", "#include <vector>\nint size(const std::vector<int>& v);\n", "C++"),
            ("a.h", "#import <Foundation/Foundation.h>\n@interface A : NSObject\n@end\n", "Objective-C"),
            ("a.h", "/* a class in C is only a word */\nstruct a { int class_of; };\n", "C"),
            ("a.m", "@implementation A\n- (void)b {}\n@end\n", "Objective-C"),
            ("a.m", "% computes\nfunction y = f(x)\n  y = x + 1;\nend\n", "MATLAB"),
            ("a.m", '(* a package *)\nBeginPackage["A`"]\n', "Wolfram Language"),
            ("a.pl", "use strict;\nmy $x = 1;\n", "Perl"),
            ("a.pl", ":- module(a, [b/1]).\nb(X) :- c(X).\n", "Prolog"),
            ("a.ts", "export const a: number = 1;\n", "TypeScript"),
            ("a.ts", '<?xml version="1.0"?>\n<!DOCTYPE TS>\n<TS language="de"></TS>\n', "XML"),
            ("a.fs", "module A\nlet x = 1\n", "F#"),
            ("a.fs", "#version 330\nuniform vec4 c;\n", "GLSL"),
            ("a.v", "module counter(input clk);\nendmodule\n", "Verilog"),
            ("a.v", "Lemma a : 1 = 1.\nProof. reflexivity. Qed.\n", "Rocq Prover"),
            ("a.cls", "\\NeedsTeXFormat{LaTeX2e}\n", "TeX"),
            ("a.cls", "public with sharing class A {\n}\n", "Apex"),
            ("a.r", "x <- c(1, 2)\n", "R"),
            ("a.sql", "SELECT 1;\n", "SQL"),
            ("a.sql", "CREATE FUNCTION f() RETURNS int AS $$ BEGIN END $$ LANGUAGE plpgsql;\n", "PLpgSQL"),
            ("a.d", "module a;\nimport std.stdio;\n", "D"),
            ("a.d", "build/a.o: a.c a.h\n", "Makefile"),
            ("a.json", '{"openapi": "3.0.1"}', "OASv3-json"),
            ("a.yml", "swagger: '2.0'\n", "OASv2-yaml"),
            ("a.al", "use strict;\npackage Foo::Bar;\n", "Perl"),
            ("a.inc", "<?php echo 1;\n", "PHP"),
            ("a.md", '(define_insn "addsi3"\n', "GCC Machine Description"),
            ("a.pp", "class apache::mod {\n  ensure => present\n}\n", "Puppet"),
        ):
            with self.subTest(path=path, expected=expected):
                self.assert_language(path, expected, content)

    def test_content_of_the_ambiguous_extensions_as_it_is_really_written(self) -> None:
        for path, content, expected in (
            ("a.h", '#ifdef __cplusplus\nextern "C" {\n#endif\n/* nullptr in C23 */\nint f(void);\n', "C"),
            ("a.h", '#if defined(__cplusplus)\n#  include <cstdint>\nextern "C" {\n#endif\nint f(void);\n', "C"),
            ("a.h", "#if __cplusplus >= 201703L\ninline constexpr int a = 1;\n#endif\n", "C++"),
            ("a.h", "/* nothing but a macro */\n#define A 1\n", "C"),
            ("a.m", '#import "A.h"\n', "Objective-C"),
            ("a.m", "#include <stdio.h>\nint main(void) { return 0; }\n", "Objective-C"),
            ("a.m", "x = linspace(0, 1);\nplot(x, x.^2);\n", "MATLAB"),
            ("a.m", ":- module hello.\n:- interface.\n", "Mercury"),
            ("a.pl", "package bytes;\n\nsub length (_) {\n    BEGIN { bytes::import() }\n}\n", "Perl"),
            ("a.pl", "#!/usr/bin/perl -w\nprint 1;\n", "Perl"),
            ("a.pl", 'if ($line =~ /^x/) {\n  print "y";\n}\n', "Perl"),
            ("a.pl", "parent(tom, bob).\nancestor(X, Y) :- parent(X, Y).\n", "Prolog"),
            ("a.pl", "use v6;\nsay 1;\n", "Raku"),
            ("a.pm", "package Foo::Bar;\n\n=head1 NAME\n", "Perl"),
            ("a.pm", "/* XPM */\nstatic char * a[] = {\n", "X PixMap"),
            ("a.pm", "unit module Foo;\nsub bar(Int $x) {\n}\n", "Raku"),
            ("a.t", "use strict;\nuse Test::More tests => 2;\nok(1);\n", "Perl"),
            ("a.t", 'var x : int\nput "x"\nend if\n', "Turing"),
            ("a.t", "local terra f(x : int) return x end\nterra g() end\n", "Terra"),
            ("a.cls", "\\ProvidesClass{mine}[2020/01/01]\n", "TeX"),
            ("a.cls", "VERSION 1.0 CLASS\nBEGIN\n  MultiUse = -1\nEND\n", "Visual Basic 6.0"),
            ("a.cls", "@isTest\nprivate class ATest {\n}\n", "Apex"),
            ("a.cls", "Class My.Package.Thing Extends %Persistent\n{\n", "ObjectScript"),
            ("a.v", "`timescale 1ns/1ps\nmodule top(a, b);\nendmodule\n", "Verilog"),
            ("a.v", "Require Import Arith.\nInductive nat : Set := O.\n", "Rocq Prover"),
            ("a.v", "module main\n\nfn main() {\n\tprintln('x')\n}\n", "V"),
            ("a.rs", "fn main() {}\n", "Rust"),
            ("a.rs", '<?xml version="1.0"?>\n<resources/>\n', "XML"),
            ("a.rs", "#pragma version(1)\n#pragma rs java_package_name(a.b)\n", "RenderScript"),
            ("a.ts", "<!DOCTYPE TS><TS version='2.1' language='fr'>\n<context/></TS>\n", "XML"),
            ("a.ts", "interface A<TS> { a: TS }\n", "TypeScript"),
            ("a.d", "#!/usr/sbin/dtrace -s\nsyscall::open:entry\n{\n  trace(1);\n}\n", "DTrace"),
            ("a.d", "erlang*:::process-spawn\n{\n}\n", "DTrace"),
            ("a.d", "import std.stdio;\nvoid main() { writeln(1); }\n", "D"),
            ("a.d", "foo.o: foo.c \\\n  foo.h bar.h\n", "Makefile"),
            ("a.sql", "DELIMITER $$\nCREATE PROCEDURE p() BEGIN SELECT 1; END$$\n", "SQL"),
            ("a.sql", "CREATE FUNCTION f() RETURNS int AS $body$ SELECT 1 $body$ LANGUAGE sql;\n", "PLpgSQL"),
            ("a.sql", "\\echo Use CREATE EXTENSION\nALTER TABLE a ADD b int;\n", "SQL"),
            ("a.sql", "SELECT 1\nGO\n", "TSQL"),
            ("a.sql", "CREATE OR REPLACE PACKAGE p AS\n  a VARCHAR2(10);\nEND;\n", "PLSQL"),
            ("a.inc", "<?php\nreturn 1;\n", "PHP"),
            ("a.inc", "#include <vector>\nstatic const int a = 1;\n", "C++"),
            ("a.inc", "      real a, b\n      common /x/ a, b\n", None),
            ("a.inc", "#!/bin/sh\nA=1\n", "Shell"),
            ("a.s", "\t.text\n\t.globl main\nmain:\n\tret\n", "Unix Assembly"),
            ("a.S", "#include <asm.h>\n\t.section .rodata\n", "Unix Assembly"),
            ("a.s", "section .text\nglobal _start\n_start:\n  mov eax, 1\n", "Assembly"),
            ("a.s", "start:\n  move.l d0,a1\n  bsr.w sub\n", "Motorola 68K Assembly"),
            ("a.f", "c     a comment\n      subroutine s(x)\n      end\n", "Fortran"),
            ("a.f", ": square ( n -- n ) dup * ;\n", "Forth"),
            ("a.mpl", "f := proc(x) x^2 end proc;\n", "Maple"),
            ("a.mpl", '<?xml version="1.0" encoding="UTF-8"?>\n<language/>\n', "JetBrains MPS"),
        ):
            with self.subTest(path=path, content=content[:30], expected=expected):
                self.assert_language(path, expected, content)

    def test_headers_of_the_packages_installed_here_are_told_apart(self) -> None:
        for package, least in (("numpy", ("C", 0.9)), ("pyarrow", ("C++", 0.85))):
            found = [
                languages.detect(path.name, path.read_bytes())
                for root in environment_paths()
                for path in (root / package).rglob("*.h")
            ]
            self.assertGreater(len(found), 10, package)
            self.assertGreater(found.count(least[0]) / len(found), least[1], package)

    def test_only_the_head_of_a_file_is_looked_at(self) -> None:
        late = "int a;\n" * languages.HEAD + "namespace b {}\n"
        self.assert_language("a.h", "C", late)

    @given(st.text(max_size=40), st.binary(max_size=200))
    def test_any_path_and_content_give_a_known_language_or_none(self, path: str, content: bytes) -> None:
        found = languages.detect(path, content)
        self.assertTrue(found is None or found in languages.tables().types)

    def test_every_language_that_the_rules_name_is_in_the_table(self) -> None:
        types, extensions = languages.tables().types, languages.tables().extensions
        for extension, default in ambiguous.DEFAULTS.items():
            self.assertEqual(extensions[extension][0], default)
        for extension, tests in ambiguous._MARKS.items():
            ambiguous.choose(extension, b"")
            for language, _mark in tests:
                self.assertIn(language, types)
                self.assertIn(language, extensions[extension], extension)


class MarksTest(SimpleTestCase):
    def test_copies_of_others_work_are_vendored(self) -> None:
        for path in (
            "pip/_vendor/requests/api.py",
            "django/contrib/admin/static/admin/js/vendor/jquery/jquery.js",
            "site/node_modules/a/index.js",
            "third_party/x.c",
            "lib/3rdparty/x.c",
            "js/jquery-3.7.1.min.js",
            "js/bootstrap.bundle.min.js",
            "static/d3.v7.js",
            "configure",
            "a/gradlew",
            "sklearn/externals/six.py",
        ):
            self.assertTrue(marks.is_vendored(path), path)

    def test_own_work_is_not_vendored(self) -> None:
        for path in (
            "src/vendor.py",
            "django/core/management/commands/runserver.py",
            "app/vendors_list.py",
            "tools/build.py",
            "dist/index.js",
            "docs/conf.py",
            "lib/react_on_click.js",
            "types/index.d.ts",
            "configure.py",
            "sympy/external/importtools.py",
        ):
            self.assertFalse(marks.is_vendored(path), path)

    def test_what_a_program_wrote_is_generated(self) -> None:
        for path, content in (
            ("a_pb2.py", ""),
            ("a.pb.go", ""),
            ("app.min.js", ""),
            ("package-lock.json", ""),
            ("a.py", "# Generated by the protocol buffer compiler.  DO NOT EDIT!\n"),
            ("a.go", "// Code generated by stringer. DO NOT EDIT.\n"),
            ("a.h", "#pragma once\n\n// @generated by torchgen/gen.py from Function.h\n"),
            ("a.c", "/* Generated by Cython 3.0.2 */\n"),
            ("a.py", "# This file was automatically generated from src/modular.py.\n"),
            ("a.py", "# -*- coding: utf-8 -*-\n# autogenerated file; see make.py\n"),
            ("a.js", "x" * 500),
        ):
            self.assertTrue(marks.is_generated(path, content.encode()), (path, content[:60]))

    def test_what_only_speaks_of_generating_is_not(self) -> None:
        for path, content in (
            ("a.py", "def f():\n    '''Return the generated code.'''\n"),
            ("a.py", "# Reads a file generated by another tool.\n"),
            ("a.py", "x = 1\n" * 100 + "# DO NOT EDIT\n"),
            ("a.js", "// short\n" * 100),
            ("a.py", "# Do not edit below this line unless you know what you do\n"),
            ("a.txt", "x" * 500),
        ):
            self.assertFalse(marks.is_generated(path, content.encode()), (path, content[:60]))
