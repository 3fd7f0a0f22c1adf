// Backends that are installed beside the tests, when they run in browsers.
declare module "@tensorflow/tfjs-backend-webgl" {}
declare module "@tensorflow/tfjs-backend-webgpu" {}
