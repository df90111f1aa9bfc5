// XXH64, a fast 64-bit checksum (xxHash specification 0.1.1): finds damage, proves nothing against an adversary.
#pragma once

#include <cstdint>
#include <span>

namespace zell::base {

uint64_t Xxh64(std::span<const uint8_t> bytes, uint64_t seed);

}  // namespace zell::base
