#include "addon/job.h"

#include "addon/reader.h"

namespace zell::addon {

void CancelJob(const Napi::CallbackInfo& info) {
  Reader reader("cancelJob");
  const uint32_t job = reader.Unsigned(info[0], "job");
  if (!reader.ok()) {
    Throw(info.Env(), reader.status());
    return;
  }
  auto& jobs = JobsOf(info.Env());
  if (const auto found = jobs.find(job); found != jobs.end()) found->second->store(true, std::memory_order_relaxed);
}

}  // namespace zell::addon
