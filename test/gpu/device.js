// What the numbers were computed on.
export async function device(tf, backend) {
  if (backend === "webgpu") {
    const { vendor, architecture, description } = tf.backend().adapterInfo ?? {};
    return [vendor, architecture, description].filter(Boolean).join(" ") || "unknown";
  }
  const { gl } = tf.backend().gpgpu;
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
