/** The curve of the loss while Zell trains. Colours are the theme's; for those who do not see it, one sentence says it. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { LossSeries } from '../state/lossSeries.ts';
import { element } from './dom.ts';

const HEIGHT = 120;

export class LossChart {
  readonly root = element('figure', { id: 'loss', attributes: { role: 'img' } });
  readonly #plot = element('div', { class: 'plot' });
  readonly #caption = element('figcaption', {});
  #chart: uPlot | undefined;
  #series: LossSeries | undefined;

  constructor() {
    this.root.append(this.#plot, this.#caption);
    this.root.hidden = true;
    new ResizeObserver(() => {
      const width = this.#plot.clientWidth;
      if (this.#chart && width > 0 && width !== this.#chart.width) this.#chart.setSize({ width, height: HEIGHT });
    }).observe(this.#plot);
    // Another theme: the editor changes the class of the body.
    new MutationObserver(() => {
      this.#forget();
      if (this.#series) this.draw(this.#series);
    }).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });
  }

  draw(series: LossSeries): void {
    this.#series = series;
    const { first, last, steps } = series;
    this.root.hidden = first === undefined || last === undefined;
    if (first === undefined || last === undefined) return;
    const words = `Loss ${last[1].toFixed(2)} after step ${last[0]} of ${steps}, ${first[1].toFixed(2)} at the beginning`;
    this.root.setAttribute('aria-label', words);
    this.#caption.textContent = `${words}. Lower is better.`;
    const columns = series.columns;
    if (this.#chart) this.#chart.setData(columns);
    else
      this.#chart = new uPlot(
        options(this.#plot.clientWidth || 280, () => series.steps),
        columns,
        this.#plot,
      );
  }

  #forget(): void {
    this.#chart?.destroy();
    this.#chart = undefined;
  }
}

function options(width: number, steps: () => number): uPlot.Options {
  const style = getComputedStyle(document.body);
  const colour = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  const ink = colour('--vscode-descriptionForeground', '#888888');
  const line = colour('--vscode-charts-blue', colour('--vscode-progressBar-background', '#3794ff'));
  const grid = { stroke: colour('--vscode-widget-border', 'transparent'), width: 1 };
  const font = `11px ${colour('--vscode-font-family', 'sans-serif')}`;
  const axis = { stroke: ink, grid, ticks: { show: false }, font };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { x: { time: false, range: () => [1, Math.max(2, steps())] } },
    axes: [
      { ...axis, size: 22, space: 60, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] },
      { ...axis, size: 34, space: 28 },
    ],
    series: [
      {},
      // A curve of one step would be nothing.
      { stroke: line, alpha: 0.35, width: 1, points: { show: (chart) => chart.data[0].length === 1, fill: line } },
      { stroke: line, width: 2, points: { show: false } },
    ],
  };
}
