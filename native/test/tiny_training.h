// A tiny model with everything that training it takes, for the tests of this room.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "backend/plan_rewrite.h"
#include "gguf/file.h"
#include "model/arch/arch.h"
#include "random_model.h"
#include "train/network.h"
#include "train/seeded_random.h"

namespace zell::test {

struct TinyTraining {
  std::string path;
  std::shared_ptr<const gguf::File> file;
  backend::Plan plan;
  train::LowRankSet learned;
  train::Tape tape;
  std::unique_ptr<train::Workers> workers;
  std::unique_ptr<train::Network> network;
  base::Status status;

  bool ok() const { return status.ok() && network != nullptr; }
};

inline std::string WriteTinyModel(const std::string& model, quant::TensorType type, const std::string& name) {
  const std::string path = (std::filesystem::temp_directory_path() / ("zell_train_" + name + ".gguf")).string();
  RandomModelSpec spec;
  spec.model = model;
  spec.type = type;
  spec.shape = {.layers = 2, .width = 64, .heads = 4, .kv_heads = 2, .head_dim = 16, .ffn = 96, .context = 256};
  return WriteRandomModel(path, spec).ok() ? path : "";
}

/// `random_b`: as after some steps; at the start B is zero, and A has no gradient.
inline TinyTraining MakeTiny(const std::string& path, int threads = 2, bool random_b = true,
                             train::Targets targets = train::Targets::kAll) {
  TinyTraining t;
  const auto set = [&](auto result, auto& to) {
    if (!t.status.ok()) return;
    if (result.ok()) {
      to = std::move(*result);
    } else {
      t.status = result.status();
    }
  };
  t.path = path;
  set(gguf::File::Open(path), t.file);
  if (t.status.ok()) set(model::BuildPlan(*t.file), t.plan);
  backend::MergeMatmuls(t.plan.body);
  set(train::LowRankSet::Choose(t.plan, targets, 4, 8.0f), t.learned);
  if (t.status.ok()) t.status = t.learned.Allocate();
  if (!t.status.ok()) return t;
  t.learned.Initialise(7);
  train::Random random(8);
  for (const train::LearnedMatrix& m : t.learned.matrices()) {
    for (size_t i = 0; random_b && i < m.b_size(); ++i) t.learned.values()[m.b + i] = 0.2f * random.Symmetric();
  }
  set(train::RecordTape(t.plan, t.learned.ranks()), t.tape);
  t.workers = std::make_unique<train::Workers>(threads);
  return t;
}

/// The last part apart, since a network points into what it belongs to.
inline void MakeNetwork(TinyTraining& t, size_t row_tokens = 64, size_t kept_layers = 2,
                        train::Numerics numerics = train::Numerics::kF32) {
  if (!t.status.ok()) return;
  auto network = train::Network::Make(t.plan, t.tape, t.learned, *t.workers, row_tokens, kept_layers, numerics);
  if (network.ok()) {
    t.network = std::move(*network);
  } else {
    t.status = network.status();
  }
}

}  // namespace zell::test
