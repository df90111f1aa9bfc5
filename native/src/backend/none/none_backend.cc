// The backend of builds that lack the wanted one.
#include <string>

#include "backend/backend.h"

namespace zell::backend {
namespace {

class NoneBackend final : public Backend {
 public:
  explicit NoneBackend(const char* wanted) : wanted_(wanted) {}
  const char* name() const override { return "none"; }
  base::Result<std::unique_ptr<Executor>> Compile(const Plan&) override {
    return base::Status{base::StatusCode::kUnsupported, "this build has no " + wanted_ + " backend"};
  }

 private:
  std::string wanted_;
};

}  // namespace

std::unique_ptr<Backend> MakeNoneBackend(const char* wanted) { return std::make_unique<NoneBackend>(wanted); }

}  // namespace zell::backend
