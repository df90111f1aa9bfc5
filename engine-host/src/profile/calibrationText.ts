/** What a model reads while its profile is made: prose, code, a conversation and figures, so that many of its experts are asked. */
export const CALIBRATION_TEXT = `The harbour lies where the river meets a shallow bay. Until the last century most of what the valley grew left it by water: wheat in
autumn, wool in spring, and in the cold months timber that had been floated down from the hills. When the railway came the warehouses stood empty
for thirty years, and then, one after the other, they became workshops, a library, and a school for the children of the new town behind the dyke.

Question: Why does a kettle become quieter just before the water boils?
Answer: Small bubbles of steam first form at the hot bottom. They rise into water that is still cooler, collapse there, and each collapse makes a
sound. Once all of the water is close to boiling, bubbles reach the surface without collapsing, so the loud crackling gives way to a softer bubbling.

\`\`\`python
def merge(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Joins intervals that touch each other."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged
\`\`\`

User: I have 12 eggs, use a third of them for a cake and then buy half a dozen. How many are left?
Assistant: A third of 12 is 4, so 8 remain after the cake. Half a dozen is 6, and 8 + 6 = 14. You have 14 eggs.
User: And if two break on the way home?
Assistant: Then 12 are left, as many as at the beginning.

\`\`\`sql
SELECT customer, SUM(amount) AS total FROM orders WHERE placed >= '2024-01-01' GROUP BY customer HAVING SUM(amount) > 1000 ORDER BY total DESC;
\`\`\`

Die Sitzung beginnt um neun Uhr. Zuerst wird das Protokoll genehmigt, danach berichtet die Arbeitsgruppe über den Stand der Brücke. Le rapport sera
envoyé à tous les membres avant la fin de la semaine. El presupuesto para el próximo año se discutirá en la reunión de noviembre.

Abstract. We study how the length of a pendulum changes its period when the amplitude is not small. For small angles the period depends on the length
and on gravity alone; for larger ones a correction of the second order in the amplitude has to be added. Measurements with a light rod and a heavy
bob agree with the corrected formula to within 0.3 per cent up to an angle of 60 degrees.

interface Shape { readonly kind: 'circle' | 'square'; readonly size: number }
function area(shape: Shape): number {
  switch (shape.kind) {
    case 'circle': return Math.PI * shape.size ** 2;
    case 'square': return shape.size ** 2;
  }
}

"You are early," said the clerk without looking up. "The office opens at eight." The old man put his hat on the counter. "I have waited for this letter
since March," he said. "A quarter of an hour more makes no difference." Outside a cart went by, and somebody called a name that neither of them knew.

1. Switch the machine off and pull the plug. 2. Open the lid and remove the filter. 3. Rinse the filter under warm water; do not use soap. 4. Let it dry
for an hour. 5. Put it back with the arrow pointing up. Name, age, town: Anna, 34, Lisbon; Ben, 27, Oslo; Carla, 51, Turin; Dmitri, 19, Riga.
`;
