// Stands in for @tensorflow/tfjs in examples: its core and layers with the backend that runs everywhere.

import "@tensorflow/tfjs-backend-cpu";
import { enableProdMode } from "@tensorflow/tfjs-core";

// Else it advises Node's users to use another package.
enableProdMode();

export * from "@tensorflow/tfjs-core";
export { layers, sequential } from "@tensorflow/tfjs-layers";
