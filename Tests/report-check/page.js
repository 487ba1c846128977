// What is wrong with the page in a window of so many pixels, as a list of sentences. The window itself grows with the page on
// a telephone.
((windowWidth) => {
  const wrong = [];
  const visible = (element) => element.getClientRects().length > 0;
  const words = (element) => element.textContent.trim().replace(/\s+/g, ' ').slice(0, 60);

  // Nothing moves sideways but tables by themselves.
  if (document.documentElement.scrollWidth > windowWidth) {
    wrong.push(`the page is ${document.documentElement.scrollWidth} pixels wide in a window of ${windowWidth}`);
  }
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('.table') || !visible(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.right > windowWidth + 1 || box.left < -1) {
      wrong.push(`<${element.localName}> "${words(element)}" leaves the window at ${box.left} … ${box.right}`);
    }
  }

  // Numbers are those of the JSON object, rounded to the digits that they have.
  const object = JSON.parse(document.querySelector('script[type="application/json"]').textContent);
  const numbers = document.querySelectorAll('data');
  if (numbers.length < 20) wrong.push(`the page has only ${numbers.length} numbers`);
  for (const element of numbers) {
    const pointer = element.dataset.json;
    const value = pointer.slice(1).split('/').reduce(
      (part, key) => part?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], object);
    if (typeof value !== 'number' || Number(element.value) !== value) {
      wrong.push(`${pointer} is ${value}, but the page has ${element.value}`);
      continue;
    }
    const text = element.textContent.replaceAll(',', '');
    const digits = text.match(/^-?[0-9]+(?:\.([0-9]+))?(?:e([-+][0-9]+))?/);
    // Percentages, or any unit of times: s, ms, µs, ns.
    const scales = text.endsWith('%') ? [100] : [1, 1e3, 1e6, 1e9];
    const half = 0.5 * 10 ** (Number(digits?.[2] ?? 0) - (digits?.[1]?.length ?? 0)) * (1 + 1e-6);
    if (!digits || !scales.some((scale) => Math.abs(Number(digits[0]) - value * scale) <= half + 1e-9)) {
      wrong.push(`${pointer} is ${value}, but one reads ${element.textContent}`);
    }
  }

  // Texts of a chart are inside of it, and apart from each other.
  for (const chart of [...document.querySelectorAll('svg.chart')].filter(visible)) {
    const frame = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('text')].map((text) => ({
      text, box: text.getBoundingClientRect(), turned: text.hasAttribute('transform')}));
    for (const {text, box} of texts) {
      if (box.left < frame.left - 2 || box.right > frame.right + 2 || box.top < frame.top - 2
          || box.bottom > frame.bottom + 2) {
        wrong.push(`"${words(text)}" leaves the chart "${chart.getAttribute('aria-label')}"`);
      }
    }
    const level = texts.filter((item) => !item.turned);
    level.forEach((a, index) => level.slice(index + 1).forEach((b) => {
      const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      // A line of text is higher than its letters.
      const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (across > 1 && down > 4) {
        wrong.push(`"${words(a.text)}" and "${words(b.text)}" touch in "${chart.getAttribute('aria-label')}"`);
      }
    }));
  }

  // Text has a contrast of 4.5 to what it stands on (WCAG 2.1, 1.4.3).
  const colour = (text) => text.match(/[0-9.]+/g)?.map(Number);
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    const shape = element.localName === 'text' && element.classList.contains('on') ? element.previousElementSibling : null;
    if (shape) return colour(getComputedStyle(shape).fill);
    for (let part = element; part; part = part.parentElement) {
      const found = colour(getComputedStyle(part).backgroundColor);
      if (found && found[3] !== 0) return found;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const isText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!isText || !visible(element) || element.closest('script, title, .muted')) continue;
    const style = getComputedStyle(element);
    const [front, back] = [colour(element.localName === 'text' ? style.fill : style.color), behind(element)];
    const [dark, light] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5 && !seen.has(`${front} ${back}`)) {
      seen.add(`${front} ${back}`);
      wrong.push(`"${words(element)}" has a contrast of ${contrast.toFixed(2)}: rgb ${front} on ${back}`);
    }
  }
  return wrong;
})
