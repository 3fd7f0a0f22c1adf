// CommonJS: TypeScript 5.8 and later know that Node can `require` ES modules.
import rmsprop = require("rmsprop-wasm");
import schedules = require("rmsprop-wasm/schedules");
import checkpoint = require("rmsprop-wasm/checkpoint");

const schedule: schedules.Schedule = new rmsprop.CosineDecay({ initialLearningRate: 0.1, decaySteps: 10 });
const w = new rmsprop.Variable(10);
const optimizer = new rmsprop.RMSprop({ learningRate: schedule });
optimizer.apply([[10]], [w]);
checkpoint.load(checkpoint.save(optimizer), optimizer);
if (w.value[0] !== Math.fround(9.683772)) throw new Error(`${w.value[0]}`);
