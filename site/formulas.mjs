// The formulas of doc comments and pages as TeX. They are written in Unicode there, which reads well on hover and on GitHub.

const RULE = String.raw`
\begin{aligned}
v &\leftarrow \rho\,v + (1-\rho)\,g^2 \\
a &\leftarrow \rho\,a + (1-\rho)\,g && \text{centered only} \\
d &= v + \varepsilon \quad\text{or}\quad (v - a^2) + \varepsilon && \text{centered} \\
\Delta &= \eta\,g / \sqrt{d} \\
m &\leftarrow \mu\,m + \Delta,\quad w \leftarrow w - m && \text{with momentum} \\
w &\leftarrow w - \Delta && \text{without}
\end{aligned}`;

/** Blocks, by their text with single spaces. */
const blocks = {
  "v ← ρ·v + (1-ρ)·g² a ← ρ·a + (1-ρ)·g centered only d = v + ε or (v - a²) + ε centered Δ = η·g / √d m ← μ·m + Δ, w ← w - m with momentum w ← w - Δ without":
    RULE,
};

const lines = (...rows) => String.raw`\begin{aligned} ${rows.join(String.raw` \\ `)} \end{aligned}`;

/** The rate η of a schedule at step t, by the name of its class. */
export const schedules = {
  ExponentialDecay: String.raw`\eta = \text{initialLearningRate} \cdot \text{decayRate}^{\,t/\text{decaySteps}}`,
  InverseTimeDecay: String.raw`\eta = \frac{\text{initialLearningRate}}{1 + \text{decayRate} \cdot t/\text{decaySteps}}`,
  PiecewiseConstantDecay: String.raw`\eta = \text{values}_i, \quad i = \text{the number of boundaries below } t`,
  PolynomialDecay: lines(
    String.raw`\eta &= (\eta_0 - \eta_1) \left(1 - \frac{\min(t, T)}{T}\right)^{\text{power}} + \eta_1`,
    String.raw`\eta_0 &=\ \text{initialLearningRate}`,
    String.raw`\eta_1 &=\ \text{endLearningRate}`,
    String.raw`T &=\ \text{decaySteps}`,
  ),
  CosineDecay: lines(
    String.raw`\eta &= \eta_0 \left((1-\alpha)\,\frac{1 + \cos(\pi\,\min(t, T)/T)}{2} + \alpha\right)`,
    String.raw`\eta_0 &=\ \text{the rate after the warm-up, if there is one}`,
    String.raw`t &=\ \text{steps since then}`,
    String.raw`T &=\ \text{decaySteps}`,
  ),
  CosineDecayRestarts: lines(
    String.raw`\eta &= \eta_0 \left((1-\alpha)\,\text{mMul}^i\,\frac{1 + \cos(\pi c)}{2} + \alpha\right)`,
    String.raw`\eta_0 &=\ \text{initialLearningRate}`,
    String.raw`i &=\ \text{restarts so far}`,
    String.raw`c &=\ \text{the part of this period that is over}`,
  ),
};

/** What an option does, by its name. */
export const options = {
  weightDecay: String.raw`w \leftarrow w - w \cdot \text{weightDecay} \cdot \eta`,
  clipnorm: String.raw`g \leftarrow g \cdot \frac{\text{clipnorm}}{\max(\lVert g \rVert_2,\ \text{clipnorm})}`,
  globalClipnorm: String.raw`g_i \leftarrow g_i \cdot \text{globalClipnorm} \cdot \min\!\left(\frac{1}{n}, \frac{1}{\text{globalClipnorm}}\right), \quad n = \sqrt{\textstyle\sum_i \lVert g_i \rVert_2^2}`,
  clipvalue: String.raw`g \leftarrow \min(\max(g, -\text{clipvalue}), \text{clipvalue})`,
  emaMomentum: String.raw`\text{average} \leftarrow \text{emaMomentum} \cdot \text{average} + (1 - \text{emaMomentum}) \cdot w`,
};

export const display = (/** @type {string} */ tex) => `$$\n${tex.trim()}\n$$`;

/** The TeX of a block with these lines; undefined where there is none. */
export const texOf = (/** @type {string} */ text) => blocks[text.trim().replaceAll(/\s+/g, " ")];
