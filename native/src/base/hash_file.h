// SHA-256 of a whole file.
#pragma once

#include <string>

#include "base/status.h"

namespace zell::base {

/// 64 lower-case hexadecimal digits. @errors kNotFound, kIo.
Result<std::string> HashFile(const std::string& path);

}  // namespace zell::base
