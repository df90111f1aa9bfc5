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
  /** Tools, calls with ids, results with a role of their own, thoughts; several calls in one message. */
  tools:
    "{% set system = messages[0].content if messages[0].role == 'system' else '' %}{% if tools or system %}{{ '<|im_start|>system\n' + system }}" +
    "{% if tools %}{{ '<tools>' }}{% for t in tools %}{{ '\n' ~ (t | tojson) }}{% endfor %}{{ '\n</tools>' }}{% endif %}{{ '<|im_end|>\n' }}{% endif %}" +
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ '<|im_start|>assistant\n' }}" +
    "{% if m.reasoning_content is defined %}{{ '<think>\n' + m.reasoning_content + '\n</think>\n\n' }}{% endif %}{{ m.content }}" +
    "{% for c in m.tool_calls or [] %}{{ '\n<tool_call>\n{\"name\": \"' + c.function.name + '\", \"arguments\": ' ~ (c.function.arguments | tojson) ~ '}\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\n' }}" +
    "{% elif m.role == 'tool' %}{{ '<|im_start|>user\n<tool_response>\n' + m.content + '\n</tool_response><|im_end|>\n' }}" +
    "{% elif m.role == 'user' %}{{ '<|im_start|>user\n' + m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}{{ '<|im_start|>assistant\n' }}",
  /** One call a message, ids of nine characters, no user behind a result. */
  strictTools:
    '{{ bos_token }}{% if tools %}[AVAILABLE_TOOLS]{{ tools | tojson }}[/AVAILABLE_TOOLS]{% endif %}{% for m in messages %}' +
    "{% if m.role == 'user' %}{% if not loop.first and messages[loop.index0 - 1].role == 'tool' %}{{ raise_exception('no user here') }}{% endif %}[INST]{{ m.content }}[/INST]" +
    "{% elif m.role == 'assistant' and m.tool_calls is defined %}{% if m.tool_calls | length != 1 %}{{ raise_exception('one call') }}{% endif %}" +
    "{% set c = m.tool_calls[0] %}{% if c.id | length != 9 %}{{ raise_exception('id') }}{% endif %}" +
    '[TOOL_CALLS]{{ c.function.name }}[CALL_ID]{{ c.id }}[ARGS]{{ c.function.arguments | tojson }}{{ eos_token }}' +
    "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% elif m.role == 'tool' %}" +
    "{% if m.tool_call_id is not defined %}{{ raise_exception('no id') }}{% endif %}[TOOL_RESULTS]{{ m.tool_call_id }}[TOOL_CONTENT]{{ m.content }}[/TOOL_RESULTS]{% else %}{{ raise_exception('role') }}{% endif %}{% endfor %}",
} as const;
