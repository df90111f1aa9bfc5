"""PEFT's own logits beside ours: `python peftLogits.py MODEL.gguf PEFT_FOLDER LOGITS`, LOGITS as zell_adapter_proof writes it.
Prints JSON: the largest difference of a logit as a part of its row's range, with the adapter and without."""

import json
import struct
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

model_file, adapter, logits_file = sys.argv[1:]
folder, name = model_file.rsplit("/", 1)
data = open(logits_file, "rb").read()
count, vocabulary = struct.unpack_from("<2i", data)
tokens = torch.tensor([struct.unpack_from(f"<{count}i", data, 8)])
ours = torch.frombuffer(bytearray(data[8 + 4 * count:]), dtype=torch.float32).view(count, vocabulary)


def apart(theirs):
    spread = theirs.max(1).values - theirs.min(1).values
    return ((theirs - ours).abs().max(1).values / spread).max().item()


with torch.no_grad():
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    bare = apart(model(tokens).logits[0])
    adapted = PeftModel.from_pretrained(model, adapter).eval()
    print(json.dumps({"peft": apart(adapted(tokens).logits[0]), "bare": bare}))
