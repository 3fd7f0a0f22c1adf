// Brings a page's markup to life when it is in the document, and ends it when it leaves.
import { onBeforeUnmount, onMounted, type Ref, ref } from "vue";

export function useLivePage(load: () => Promise<(root: HTMLElement) => () => void>): {
  readonly root: Ref<HTMLElement | undefined>;
  readonly failure: Ref<string>;
} {
  const root = ref<HTMLElement>();
  const failure = ref("");
  let end: (() => void) | undefined;
  let isGone = false;
  onMounted(async () => {
    try {
      const start = await load();
      if (!isGone) end = start(root.value!);
    } catch (error) {
      failure.value = `The page could not start: ${(error as Error).message}`;
    }
  });
  onBeforeUnmount(() => {
    isGone = true;
    end?.();
  });
  return { root, failure };
}
