// Seeded text that mixes everything a tokenizer can stumble over; the same on every machine.
#pragma once

#include <cstdint>
#include <string>

namespace zell::test {

class MixedText {
 public:
  /// `invalid`: with stretches of ill-formed UTF-8, else all is valid.
  explicit MixedText(uint64_t seed, bool invalid = false) : state_(seed * 2 + 1), invalid_(invalid) {}

  /// At least `bytes` long.
  std::string Make(size_t bytes) {
    std::string text;
    while (text.size() < bytes) AppendSnippet(&text);
    return text;
  }

 private:
  /// xorshift64*.
  uint64_t Next(uint64_t below) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return (state_ * 0x2545F4914F6CDD1D >> 33) % below;
  }
  static void AppendUtf8(std::string* text, uint32_t c) {
    if (c < 0x80) {
      *text += static_cast<char>(c);
    } else if (c < 0x800) {
      *text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0x10000) {
      *text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                static_cast<char>(0x80 | (c & 63))};
    } else {
      *text += {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
                static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
    }
  }
  void AppendRange(std::string* text, uint32_t first, uint32_t last, uint64_t longest) {
    for (uint64_t n = 1 + Next(longest); n > 0; --n) {
      const auto c = static_cast<uint32_t>(first + Next(last - first + 1));
      if (c < 0xD800 || c > 0xDFFF) AppendUtf8(text, c);
    }
  }
  void AppendSnippet(std::string* text) {
    static const char* const kPhrases[] = {
        "The quick brown fox jumps over the lazy dog. ",
        "for (int i = 0; i < n; ++i) {\n    sum += x[i] * w[i];\n}\n",
        "def main(args):\n\treturn [x**2 for x in args if x != None]\n\n\n",
        "I'm sure they'll say we've DON'T'D it, she'd said: 'Tis y'all're CAN'T'VE 'LL 'rE ",
        "https://example.org/path?q=1234567890&r=%20#frag ",
        "{\"key\": [1, 22, 333, 4444, 55555.666e-7], \"null\": null}\r\n",
        "日本語のテキスト、カタカナとひらがな。",
        "中文字符测试，一二三四五六七八九十！",
        "한국어 문장입니다. ",
        "Съешь ещё этих мягких французских булок, да выпей чаю. ",
        "مرحبا بالعالم ١٢٣٤٥ ",
        "हिन्दी में कुछ पाठ १२३ ",
        "ภาษาไทยไม่มีช่องว่าง ",
        "👩‍👩‍👧‍👦🏳️‍🌈👍🏽🇩🇪🇯🇵 ",
        "e\xCC\x81\xCC\xA7 a\xCC\x8A\xCC\xA4 Z\xCD\x91\xCD\xAB\xCC\x93\xCC\xAA ",
        "½ ² Ⅷ ① ٣ 𝟘𝟙 ",
        "<|im_start|>user\nHello<|im_end|>\n",
        "<|begin_of_text|><|eot_id|><|endoftext|><fim_prefix><|fim_middle|></s>",
        "=== ---- **** //// \\\\\\\\ #### $$$$ ",
        "\xC2\xA0\xE2\x80\x83\xE3\x80\x80\xC2\x85\xE2\x80\xA8",
        "\xE2\x80\x8B\xE2\x80\x8D\xEF\xBB\xBF\xEF\xBF\xBD\xC2\xAD",
    };
    if (invalid_ && Next(24) == 0) {
      // Lone lead and continuation bytes; none that a lenient reader would take for a character.
      for (uint64_t n = 1 + Next(3); n > 0; --n) *text += "\x80\xBF\xC3\xE2\xE3\xF0\xF8\xFF"[Next(8)];
      *text += 'z';
      return;
    }
    switch (Next(16)) {
      case 0:
        text->append(1 + Next(Next(20) == 0 ? 400 : 12), ' ');
        break;
      case 1:
        AppendRange(text, 0, 0x20, 6);  // control characters, and the ASCII white space among them
        break;
      case 2:
        AppendRange(text, '0', '9', 12);
        break;
      case 3:
        AppendRange(text, 0x80, 0x24F, 8);
        break;
      case 4:
        AppendRange(text, 0x250, 0xFFFF, 4);
        break;
      case 5:
        AppendRange(text, 0x10000, 0x10FFFF, 2);
        break;
      case 6:
        AppendRange(text, 0x21, 0x7E, 8);
        break;
      case 7:
        text->append(1 + Next(5), "\n\r\t "[Next(4)]);
        break;
      default:
        *text += kPhrases[Next(sizeof(kPhrases) / sizeof(kPhrases[0]))];
    }
  }

  uint64_t state_;
  bool invalid_;
};

}  // namespace zell::test
