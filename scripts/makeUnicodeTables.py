#!/usr/bin/env python3
"""Writes native/src/tokenizer/unicode_tables.cc from the Unicode Character Database.

Needs the database of one exact version, because a tokenizer splits text the way its model was trained:
    pip install unicodedata2==15.1.0
    python3 scripts/makeUnicodeTables.py > native/src/tokenizer/unicode_tables.cc
"""
import sys

try:
    import unicodedata2 as database
except ImportError:
    import unicodedata as database

VERSION = "15.1.0"
# The White_Space property; it is not a general category, so the database module cannot tell it.
WHITE_SPACE = {0x9, 0xA, 0xB, 0xC, 0xD, 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
               0x3000}
CLASS_OF_CATEGORY = {"L": "kLetter", "N": "kNumber", "M": "kMark"}


def class_of(code_point: int) -> str:
    if code_point in WHITE_SPACE:
        return "kSpace"
    return CLASS_OF_CATEGORY.get(database.category(chr(code_point))[0], "kOther")


def main() -> None:
    if "--help" in sys.argv:
        print(__doc__)
        return
    if database.unidata_version != VERSION:
        sys.exit(f"Unicode {VERSION} is needed, this is {database.unidata_version}: pip install unicodedata2=={VERSION}")
    starts = []
    previous = ""
    for code_point in range(0x110000):
        current = class_of(code_point)
        if current != previous:
            starts.append((code_point, current))
            previous = current
    letters = {"kOther": "O", "kLetter": "L", "kNumber": "N", "kSpace": "W", "kMark": "M"}
    print(f"// Where the character class changes, Unicode {VERSION}. Written by scripts/makeUnicodeTables.py; do not edit.")
    print('#include "tokenizer/unicode.h"\n')
    print("namespace zell::tokenizer::internal {\nnamespace {")
    for name, letter in letters.items():
        print(f"constexpr CharClass {letter} = CharClass::{name};")
    print("}  // namespace\n\n// clang-format off")
    print("const ClassRange kClassRanges[] = {")
    line = "   "
    for start, name in starts:
        item = f" {{0x{start:x}, {letters[name]}}},"
        if len(line) + len(item) > 120:
            print(line)
            line = "   "
        line += item
    print(line)
    print("};\n// clang-format on")
    print("const size_t kClassRangeCount = sizeof(kClassRanges) / sizeof(kClassRanges[0]);\n")
    print("}  // namespace zell::tokenizer::internal")


main()
