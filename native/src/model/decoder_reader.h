// What an architecture's file (arch/NAME.cc) works with: shape, rotation and options read from a GGUF file.
#pragma once

#include "model/decoder.h"
#include "model/rope.h"

namespace zell::model {

/// Known when a model is loaded, and not in its file.
struct BuildOptions {
  uint32_t context = 0;  ///< in force; 0: the model's own
};

/// Collects the first error; the methods may be called on after it and then answer their fallbacks.
class DecoderReader {
 public:
  /// Reads the shape. The rotation is read by Build; `traits` is the caller's to fill in.
  DecoderReader(const gguf::File& file, const BuildOptions& options, const char* architecture,
                NormKind norm = NormKind::kRms);

  DecoderShape shape;
  DecoderTraits traits;

  bool Has(std::string_view key) const { return metadata_.Has(key); }
  bool HasTensor(const std::string& name) const { return file_.FindTensor(name) != nullptr; }
  const Metadata& metadata() const { return metadata_; }
  uint32_t context() const { return context_; }  ///< in force
  /// Values in a range; `fallback` when the key is absent.
  uint32_t U32(std::string_view key, uint32_t fallback, uint32_t least, uint32_t most);
  float F32(std::string_view key, float fallback, double least, double most);
  bool Bool(std::string_view key, bool fallback);
  /// These must be there.
  uint32_t RequiredU32(std::string_view key, uint32_t least, uint32_t most);
  float RequiredF32(std::string_view key, double least, double most);
  void Fail(base::StatusCode code, const std::string& message);

  /// Fails when the file is a mixture of experts.
  void RefuseExperts();
  /// The last `nextn_predict_layers` of block_count draft tokens; they are not run.
  void SkipDraftLayers();
  /// All layers rotate as the metadata says.
  void Rotate(bool split_halves);
  /// Layers with a window rotate with another base; `scaled` as in RopeRequest.
  void RotateWindows(double base, bool scaled);
  /// attention.sliding_window (`fallback` 0: no windows when it is absent or 0), and which layers have it: what
  /// attention.sliding_window_pattern says, else all but the last of each `period` layers. 0: all layers.
  void ReadWindows(uint32_t fallback, uint32_t period);

  base::Result<backend::Plan> Build();

 private:
  template <typename T>
  T Take(base::Result<T> value, T fallback);

  const gguf::File& file_;
  Metadata metadata_;
  uint32_t context_ = 0;
  const char* architecture_;
  base::Status status_;
};

}  // namespace zell::model
