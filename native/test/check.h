// A small test harness: TEST(name) registers, CHECK* report and go on, SKIP(reason) skips by name.
// Every test program ends with the line `N passed, N failed, N skipped`; exit code 1 when one failed.
// A command-line argument runs only the tests whose name contains it.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace zell::test {

struct Case {
  const char* name;
  std::function<void()> run;
};

struct Registry {
  std::vector<Case> cases;
  bool failed = false;
  bool skipped = false;
  static Registry& Get() {
    static Registry registry;
    return registry;
  }
};

struct Registrar {
  Registrar(const char* name, std::function<void()> run) { Registry::Get().cases.push_back({name, std::move(run)}); }
};

inline void Fail(const char* file, int line, const std::string& message) {
  Registry::Get().failed = true;
  std::printf("  %s:%d: %s\n", file, line, message.c_str());
}

template <typename T>
std::string Show(const T& value) {
  if constexpr (requires(std::ostringstream & s) { s << value; }) {
    std::ostringstream s;
    s << value;
    return s.str();
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_string(static_cast<long long>(value));
  } else {
    return "<value>";
  }
}

template <typename A, typename B>
void CheckEqual(const A& a, const B& b, const char* text, const char* file, int line) {
  if (!(a == b)) Fail(file, line, std::string(text) + ": " + Show(a) + " != " + Show(b));
}

inline int Main(int argc, char** argv) {
  Registry& r = Registry::Get();
  int passed = 0, failed = 0, skipped = 0;
  for (const Case& c : r.cases) {
    if (argc > 1 && std::strstr(c.name, argv[1]) == nullptr) continue;
    r.failed = r.skipped = false;
    c.run();
    (r.failed ? failed : r.skipped ? skipped : passed)++;
    if (!r.skipped) std::printf("%s %s\n", r.failed ? "FAIL" : "ok  ", c.name);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed == 0 ? 0 : 1;
}

}  // namespace zell::test

#define TEST(name)                                                                    \
  static void ZellTest_##name();                                                      \
  static const ::zell::test::Registrar zell_registrar_##name{#name, ZellTest_##name}; \
  static void ZellTest_##name()

#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) ::zell::test::Fail(__FILE__, __LINE__, "CHECK(" #condition ")"); \
  } while (false)
#define CHECK_EQ(a, b) ::zell::test::CheckEqual((a), (b), #a " == " #b, __FILE__, __LINE__)
/// Fails and leaves the test.
#define REQUIRE(condition)                                               \
  do {                                                                   \
    if (!(condition)) {                                                  \
      ::zell::test::Fail(__FILE__, __LINE__, "REQUIRE(" #condition ")"); \
      return;                                                            \
    }                                                                    \
  } while (false)
#define SKIP(reason)                                    \
  do {                                                  \
    ::zell::test::Registry::Get().skipped = true;       \
    std::printf("skip %s: %s\n", __func__ + 9, reason); \
    return;                                             \
  } while (false)

int main(int argc, char** argv);
#define ZELL_TEST_MAIN \
  int main(int argc, char** argv) { return ::zell::test::Main(argc, argv); }
