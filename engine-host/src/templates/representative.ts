/** Templates in the manner of common model families, written for the tests of this room. */
export const TEMPLATES = {
  chatml:
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}" +
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
    '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}',
  llama3:
    '{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}' +
    '{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}',
  mistral:
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set sys = messages[0].content %}{% set rest = messages[1:] %}" +
    "{% else %}{% set sys = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}" +
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}" +
    "{% if m.role == 'user' %}[INST] {% if loop.first and sys %}{{ sys + '\n\n' }}{% endif %}{{ m.content }} [/INST]" +
    '{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}',
  gemma:
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}" +
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}" +
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}" +
    '{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}',
  thinking:
    "{% for m in messages %}{% if m.role == 'assistant' and '</think>' in m.content %}" +
    "<|im_start|>assistant\n{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n" +
    '{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}<|im_start|>assistant\n' +
    '{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}',
  parts:
    "{% for m in messages %}<|{{ m.role }}|>{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}{% endfor %}<|end|>{% endfor %}<|assistant|>",
  measuring:
    "{% for m in messages %}<|im_start|>{{ m.role }} {{ m.content | length }}\n{% if m.content.startswith('!') %}loud {% endif %}{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n",
} as const;
