"""PyTorch and PEFT on the same job as our trainer: the model dequantised from the GGUF file, the same first adapter, items,
order and recipe. `python trainPeer.py JOB OUT`; JOB is written by trainJob.ts."""

import json
import math
import resource
import sys
import time

import gguf
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

MASK = (1 << 64) - 1


class Order:
    """SplitMix64 and Fisher-Yates as in native/src/train/batches.cc."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    @staticmethod
    def of(pool, seed, number, anchors):
        order = list(pool)
        random = Order(seed * 0x2545F4914F6CDD1D + number * 2 + (1 if anchors else 0))
        for i in range(len(order), 1, -1):
            j = random.next() % i
            order[i - 1], order[j] = order[j], order[i - 1]
        return order


def batches(job):
    recipe, items = job["recipe"], job["items"]
    learn = [i for i, item in enumerate(items) if not item["anchor"]]
    anchors = [i for i, item in enumerate(items) if item["anchor"]]
    share = int(math.floor(recipe["anchorShare"] * recipe["batchItems"] + 0.5)) if anchors else 0
    share = min(share, recipe["batchItems"] - 1)
    fresh = recipe["batchItems"] - share
    total = len(learn) * recipe["epochs"]
    for step in range((total + fresh - 1) // fresh):
        chosen = []
        for i in range(step * fresh, min(total, (step + 1) * fresh)):
            chosen.append(Order.of(learn, recipe["seed"], i // len(learn), False)[i % len(learn)])
        for i in range(step * share, (step + 1) * share):
            chosen.append(Order.of(anchors, recipe["seed"], i // len(anchors), True)[i % len(anchors)])
        yield [items[i] for i in chosen]


def rate(recipe, step, steps):
    rising = math.ceil(recipe["warmup"] * steps)
    if step < rising:
        return recipe["learningRate"] * (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return recipe["learningRate"] * (recipe["finalRate"] + (1 - recipe["finalRate"]) * 0.5 * (1 + math.cos(math.pi * done)))


def loss_of(model, chosen, recipe):
    longest = max(len(item["tokens"]) for item in chosen)
    ids = torch.zeros(len(chosen), longest, dtype=torch.long)
    seen = torch.zeros(len(chosen), longest, dtype=torch.long)
    for row, item in enumerate(chosen):
        n = len(item["tokens"])
        ids[row, :n] = torch.tensor(item["tokens"])
        seen[row, :n] = 1
    base = model.get_base_model()
    hidden = base.model(input_ids=ids, attention_mask=seen).last_hidden_state
    # Logits of the counted tokens alone, which is the kindest to the peer.
    sums = {False: [], True: []}
    for anchor in (False, True):
        where = [(r, t - 1, t) for r, item in enumerate(chosen) if item["anchor"] == anchor
                 for t in range(1, len(item["tokens"])) if item["loss"][t]]
        if not where:
            continue
        rows = torch.tensor([w[0] for w in where])
        logits = base.lm_head(hidden[rows, torch.tensor([w[1] for w in where])])
        logprobs = torch.log_softmax(logits, -1)
        if not anchor:
            targets = ids[rows, torch.tensor([w[2] for w in where])]
            sums[False] = -logprobs.gather(1, targets[:, None])[:, 0]
            continue
        teachers = [item["teacher"] for item in chosen if item["anchor"]]
        top = teachers[0]["top"]
        names = torch.cat([torch.tensor(t["ids"]).view(-1, top) for t in teachers])
        wanted = torch.cat([torch.tensor(t["logprobs"]).view(-1, top) for t in teachers])
        own = logprobs.gather(1, names)
        p = wanted.exp()
        rest = (1 - p.sum(1)).clamp_min(1e-6)
        own_rest = (1 - own.exp().sum(1)).clamp_min(1e-6)
        sums[True] = (p * (wanted - own)).sum(1) + rest * (rest.log() - own_rest.log())
    items = sums[False].mean()
    anchors = sums[True].mean() if len(sums[True]) else torch.zeros(())
    return items, anchors, items + recipe["anchorWeight"] * anchors


def main():
    job = json.load(open(sys.argv[1]))
    recipe = job["recipe"]
    torch.set_num_threads(recipe["threads"])
    folder, name = job["model"].rsplit("/", 1)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(model, LoraConfig(r=recipe["rank"], lora_alpha=recipe["alpha"], target_modules=targets, lora_dropout=0.0))
    names = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
             "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
    parameters = dict(model.named_parameters())
    for tensor in gguf.GGUFReader(job["adapter"]).tensors:
        if not tensor.name.endswith(".lora_a"):
            continue  # B is zero in both
        _, layer, part = tensor.name.split(".")[:3]
        key = f"base_model.model.model.layers.{layer}.{names[part]}.lora_A.default.weight"
        parameters[key].data.copy_(torch.from_numpy(tensor.data.copy()).view(parameters[key].shape))
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=recipe["learningRate"], betas=(0.9, 0.999), eps=1e-8, weight_decay=recipe["weightDecay"])
    all_steps = list(batches(job))
    model.train()
    # What loading took is given back where that can be asked for, so that the peak is that of training.
    result = {"loss": [], "anchorLoss": [], "ms": [], "tokens": []}
    for step, chosen in enumerate(all_steps[: job["steps"]]):
        begin = time.perf_counter()
        for group in optimiser.param_groups:
            group["lr"] = rate(recipe, step, len(all_steps))
        optimiser.zero_grad(set_to_none=True)
        items, anchors, total = loss_of(model, chosen, recipe)
        total.backward()
        torch.nn.utils.clip_grad_norm_(learning, recipe["clipNorm"])
        optimiser.step()
        result["ms"].append((time.perf_counter() - begin) * 1000)
        result["loss"].append(items.item())
        result["anchorLoss"].append(anchors.item())
        result["tokens"].append(sum(len(item["tokens"]) for item in chosen))
    result["peakBytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    json.dump(result, open(sys.argv[2], "w"))


main()
