// Attention whose keys and values come from one compressed row for all heads (DeepSeek's MLA).
#pragma once

#include "model/decoder_reader.h"

namespace zell::model {

/// Reads attention.kv_lora_rank, key_length_mla, … and makes this the attention of every layer. Files with attn_k_b and
/// attn_v_b keep the compressed rows in the KV cache, one head of kv_lora_rank + rope.dimension_count numbers, and
/// project queries into their space; older ones with attn_kv_b keep the keys and values of every head.
void UseLatentAttention(DecoderReader& reader);

}  // namespace zell::model
