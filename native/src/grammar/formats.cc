#include "grammar/formats.h"

#include <algorithm>
#include <iterator>

namespace zell::grammar {
namespace {

// Years whose February has 29 days, then days by the length of their month.
#define ZELL_LEAP_YEAR "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
#define ZELL_DATE                                                                                       \
  "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|" \
  "02-(?:0[1-9]|1[0-9]|2[0-8]))|" ZELL_LEAP_YEAR "-02-29)"
#define ZELL_TIME \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define ZELL_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
#define ZELL_HOST ZELL_LABEL "(?:\\." ZELL_LABEL "){0,5}"
#define ZELL_BYTE "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define ZELL_HEX "[0-9A-Fa-f]"
#define ZELL_PART "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%" ZELL_HEX ZELL_HEX ")"
#define ZELL_PATH "(?:/" ZELL_PART "{0,100}){0,20}(?:\\?" ZELL_PART "{0,200})?(?:#" ZELL_PART "{0,100})?"

struct Format {
  const char* name;
  const char* pattern;
};

constexpr Format kFormats[] = {
    {"date", "^" ZELL_DATE "$"},
    {"time", "^" ZELL_TIME "$"},
    {"date-time", "^" ZELL_DATE "T" ZELL_TIME "$"},
    {"duration",
     "^P(?:[0-9]{1,4}W|[0-9]{1,4}D(?:T[0-9]{1,4}H)?|[0-9]{1,4}Y(?:[0-9]{1,4}M(?:[0-9]{1,4}D)?)?|"
     "T(?:[0-9]{1,4}H(?:[0-9]{1,4}M(?:[0-9]{1,4}S)?)?|[0-9]{1,4}M(?:[0-9]{1,4}S)?|[0-9]{1,4}S))$"},
    {"uuid", "^" ZELL_HEX "{8}-" ZELL_HEX "{4}-" ZELL_HEX "{4}-" ZELL_HEX "{4}-" ZELL_HEX "{12}$"},
    {"email", "^[A-Za-z0-9_+-]{1,30}(?:\\.[A-Za-z0-9_+-]{1,30}){0,1}@(?:" ZELL_LABEL "\\.){1,4}[A-Za-z]{2,10}$"},
    {"hostname", "^" ZELL_HOST "$"},
    {"ipv4", "^" ZELL_BYTE "(?:\\." ZELL_BYTE "){3}$"},
    {"ipv6", "^(?:" ZELL_HEX "{1,4}(?::" ZELL_HEX "{1,4}){7}|(?:" ZELL_HEX "{1,4}(?::" ZELL_HEX
             "{1,4}){0,2})?::(?:" ZELL_HEX "{1,4}(?::" ZELL_HEX "{1,4}){0,3})?)$"},
    {"uri", "^[a-z][a-z0-9+.-]{1,10}://" ZELL_HOST "(?::[1-9][0-9]{0,3})?" ZELL_PATH "$"},
    {"uri-reference", "^(?:[a-z][a-z0-9+.-]{1,10}://" ZELL_HOST ")?" ZELL_PATH "$"},
};

constexpr std::string_view kOthers[] = {"idn-email", "idn-hostname", "iri",          "iri-reference",
                                        "regex",     "json-pointer", "uri-template", "relative-json-pointer"};

}  // namespace

const char* PatternOfFormat(std::string_view format) {
  const auto it = std::ranges::find(kFormats, format, [](const Format& f) { return std::string_view(f.name); });
  return it == std::end(kFormats) ? nullptr : it->pattern;
}

bool IsStandardFormat(std::string_view format) {
  return PatternOfFormat(format) != nullptr || std::ranges::find(kOthers, format) != std::end(kOthers);
}

}  // namespace zell::grammar
