// What the numbers were computed on.
/**
 * @param {import("./types.js").Tf} tf
 * @param {string} backend
 * @returns {Promise<string>}
 */
export async function device(tf, backend) {
  const inUse = /** @type {Record<string, any>} */ (/** @type {unknown} */ (tf.backend()));
  if (backend === "webgpu") {
    const { vendor, architecture, description } = inUse.adapterInfo ?? {};
    return [vendor, architecture, description].filter(Boolean).join(" ") || "unknown";
  }
  const { gl } = inUse.gpgpu;
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
