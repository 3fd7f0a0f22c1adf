// Things to see: each a set of settings, and what happens there.

import { type Settings, settingsWith, toHash } from "./settings.js";

export interface Story {
  readonly title: string;
  readonly text: string;
  readonly settings: Settings;
}

export const stories: readonly Story[] = [
  {
    title: "Leave a saddle",
    text: "One learning rate for all. RMSprop divides each gradient by its recent size, so it walks off the saddle while gradient descent stands still. The price shows later: it keeps jumping around the minimum, and gradient descent, once it is off, comes closer.",
    settings: settingsWith({}),
  },
  {
    title: "Settle",
    text: "The same run, but the rate falls along a cosine. Now RMSprop is first and settles too.",
    settings: settingsWith({ cosine: true }),
  },
  {
    title: "Curved valley",
    text: "At this rate gradient descent, which has no momentum here, is thrown out of the picture in two steps. The chart of learning rates shows the small window in which it works, and how wide RMSprop’s is.",
    settings: settingsWith({ surface: "rosenbrock", learningRate: 0.01, momentum: 0.9 }),
  },
  {
    title: "Where descent wins",
    text: "Smooth slopes and a rate that suits them: gradient descent takes long steps and is there first. RMSprop’s steps are about as long as the rate, however steep it is, and it even goes to another minimum.",
    settings: settingsWith({ surface: "himmelblau", learningRate: 0.01 }),
  },
  {
    title: "Two RMSprops",
    text: "The same ε = 0.01, two formulas. Keras adds it under the root, PyTorch outside: that is a floor of 0.1 or of 0.01 for the divisor, and a different path.",
    settings: settingsWith({ epsilon: 0.01 }),
  },
  {
    title: "NaN",
    text: "Centered, TensorFlow.js’ formula subtracts ε where it should add it. The first small gradient makes it NaN; Keras’ formula walks on.",
    settings: settingsWith({ centered: true, hidden: [] }),
  },
  {
    title: "Noise",
    text: "Noisy gradients, the same noise for everyone. The dotted line is the moving average of RMSprop’s weights (useEma): it hardly shakes.",
    settings: settingsWith({ surface: "bowl", ema: 0.98, hidden: ["torch", "tfjs"] }),
  },
];

/** The story that these settings are, if they are one's. */
export function storyOf(settings: Settings): Story | undefined {
  const hash = toHash(settings);
  return stories.find((story) => toHash(story.settings) === hash);
}

/** The story with the same runs, whichever optimizers are hidden. */
export function storyWithRunsOf(settings: Settings): Story | undefined {
  const runs = (each: Settings) => toHash({ ...each, hidden: [] });
  return stories.find((story) => runs(story.settings) === runs(settings));
}
