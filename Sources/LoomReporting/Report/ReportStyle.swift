/// The style sheet of report pages: a light and a dark scheme, wide and narrow screens, and paper. It names no file: fonts are
/// those of the reader's system.
enum ReportStyle {
    static let css = scheme + page + parts + tables + charts + narrow + paper

    /// Colours of text have a contrast of at least 4.5 to what they stand on, those of charts of 3 where they are lines.
    private static let scheme = """
        :root {
          color-scheme: light dark;
          --page: #f5f6f7; --card: #ffffff; --ink: #1c2127; --soft: #57606a; --rule: #dde1e6; --link: #005a9e;
          --bad: #b3261e; --code: #eef1f4;
          --blue: #0072b2; --orange: #e69f00; --green: #009e73; --purple: #cc79a7; --sky: #56b4e9;
          --vermilion: #d55e00; --yellow: #e3d32d; --grey: #b9c0c8; --quiet: #78818b; --on-blue: #ffffff; --on-grey: #000000;
        }
        @media screen and (prefers-color-scheme: dark) {
          :root {
            --page: #0e1115; --card: #171b21; --ink: #e6e9ed; --soft: #a3adb8; --rule: #2d343d; --link: #6cb8f5;
            --bad: #ff8f85; --code: #232931;
            --blue: #3f9ce0; --orange: #e69f00; --green: #14b488; --purple: #d88bb6; --sky: #8accf5;
            --vermilion: #ea7426; --yellow: #efe04a; --grey: #56606b; --quiet: #87919c; --on-blue: #000000; --on-grey: #ffffff;
          }
        }

        """

    private static let page = """
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body {
          margin: 0 auto; max-width: 960px; padding: 28px 20px 40px; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Helvetica, Arial, sans-serif;
          font-variant-numeric: tabular-nums; overflow-wrap: break-word;
        }
        h1, h2, h3, p, ul, ol, dl, figure { margin: 0; padding: 0; }
        h1 { font-size: 28px; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
        h2 { font-size: 20px; line-height: 1.3; margin-bottom: 10px; }
        h3 { font-size: 15px; line-height: 1.4; }
        h3.apart { margin-top: 26px; }
        a { color: var(--link); }
        nav { margin: 14px 0 18px; font-size: 14px; line-height: 1.9; }
        nav a { margin-right: 12px; text-decoration: none; white-space: nowrap; }
        nav a:hover { text-decoration: underline; }
        section {
          background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 20px 23px 22px;
          margin-bottom: 16px;
        }
        section > p { margin-bottom: 12px; max-width: 90ch; }
        section > p:last-child { margin-bottom: 0; }
        code {
          font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; background: var(--code);
          border-radius: 4px; padding: 2px 6px; overflow-wrap: anywhere;
        }
        pre {
          margin: 0; overflow-x: auto; font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
        }
        code.copy { user-select: all; -webkit-user-select: all; cursor: copy; }
        footer { color: var(--soft); font-size: 13px; }

        """

    private static let parts = """
        .kicker { color: var(--soft); font-size: 14px; margin-bottom: 6px; }
        .soft { color: var(--soft); }
        .bad { color: var(--bad); font-weight: 600; }
        .stats { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 14px 18px; margin-top: 20px; }
        .stats dt { color: var(--soft); font-size: 13px; line-height: 1.35; }
        .stats dd { margin: 0; font-size: 21px; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; }
        .stats dd small { font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
        .causes { list-style: none; }
        .causes li { display: grid; grid-template-columns: 30px 1fr 190px; gap: 0 12px; padding: 14px 0; }
        .causes li + li { border-top: 1px solid var(--rule); }
        .causes li:first-child { padding-top: 2px; }
        .causes li:last-child { padding-bottom: 0; }
        .causes .rank { font-size: 20px; font-weight: 600; color: var(--soft); line-height: 1.2; }
        .causes .what { font-weight: 600; }
        .causes .rule { color: var(--soft); font-size: 13px; }
        .causes .try { margin-top: 6px; }
        .causes .cost { font-size: 13px; color: var(--soft); }
        .causes .cost strong { color: var(--ink); font-size: 17px; }
        .meter { height: 8px; border-radius: 4px; background: var(--rule); overflow: hidden; margin: 4px 0 8px; }
        .meter > span { display: block; height: 8px; background: var(--vermilion); }
        .facts { display: grid; grid-template-columns: max-content 1fr; gap: 5px 20px; }
        .facts dt { color: var(--soft); }
        .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }

        """

    private static let tables = """
        .table { overflow-x: auto; margin: 10px 0 4px; }
        .table:focus-visible { outline: 2px solid var(--link); }
        table { border-collapse: collapse; font-size: 13.5px; line-height: 1.35; }
        th, td { padding: 4px 10px; text-align: left; vertical-align: top; white-space: nowrap; }
        th:first-child, td:first-child { padding-left: 0; }
        th { color: var(--soft); font-weight: 600; border-bottom: 1.5px solid var(--rule); vertical-align: bottom; }
        td { border-bottom: 1px solid var(--rule); }
        tr:last-child td { border-bottom: 0; }
        .number { text-align: right; }
        .unit { font-weight: 400; }
        details { margin-top: 8px; font-size: 14px; }
        summary { cursor: pointer; color: var(--link); width: fit-content; }

        """

    private static let charts = """
        .figures { display: flex; flex-wrap: wrap; gap: 26px 24px; }
        figure + figure, .figures + figure, figure + .figures, .table + figure, figure + .table { margin-top: 26px; }
        .table + .figures, .figures + .figures { margin-top: 24px; }
        .figures figure { margin-top: 0; }
        figure.full { width: 100%; }
        figure.half { width: 424px; }
        figcaption { margin-bottom: 8px; }
        figcaption p { color: var(--soft); font-size: 14px; max-width: 100ch; }
        .legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin-bottom: 8px; font-size: 13px; }
        .legend li { display: inline-flex; align-items: center; gap: 6px; }
        svg { display: block; }
        svg.chart { max-width: 100%; height: auto; overflow: visible; }
        svg.chart.narrow { display: none; }
        svg text { font-size: 12px; fill: var(--soft); }
        svg text.title { fill: var(--soft); font-weight: 600; }
        svg text.strong { fill: var(--ink); font-weight: 600; }
        svg text.on { fill: #000000; pointer-events: none; }
        svg .blue text.on { fill: var(--on-blue); }
        svg .grey text.on { fill: var(--on-grey); }
        svg text.halo { fill: var(--ink); stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }
        .blue { --colour: var(--blue); } .orange { --colour: var(--orange); } .green { --colour: var(--green); }
        .purple { --colour: var(--purple); } .sky { --colour: var(--sky); } .vermilion { --colour: var(--vermilion); }
        .yellow { --colour: var(--yellow); } .grey { --colour: var(--grey); } .ink { --colour: var(--ink); }
        .fill { fill: var(--colour); }
        .stroke { fill: none; stroke: var(--colour); stroke-width: 2; stroke-linejoin: round; }
        .grey .stroke, .grey.stroke { stroke: var(--quiet); stroke-width: 1.5; }
        .sample .stroke { stroke-width: 2; }
        .thin { stroke-width: 1.5; }
        .dashes { stroke-dasharray: 7 4; }
        .leader { stroke: var(--quiet); }
        .dots { stroke-dasharray: 2 3; stroke-width: 1.5; }
        .ring { fill: var(--card); stroke: var(--colour); stroke-width: 2; }
        .pale { fill: var(--colour); opacity: 0.4; }
        .grid { stroke: var(--rule); }
        .axis { stroke: var(--quiet); }
        .box { fill: none; stroke: var(--rule); stroke-width: 1.5; }
        .tile { fill: var(--code); }
        .muted { opacity: 0.55; }
        svg rect.fill:hover, svg circle:hover { filter: brightness(1.15); }

        """

    private static let narrow = """
        @media screen and (max-width: 760px) {
          body { padding: 18px 14px 28px; }
          h1 { font-size: 22px; }
          section { padding: 16px 17px 18px; border-radius: 8px; }
          .causes li { grid-template-columns: 22px 1fr; }
          .causes .cost { grid-column: 2; margin-top: 8px; }
          .facts { grid-template-columns: 1fr; gap: 0; }
          .facts dd { margin-bottom: 8px; }
          .stats { grid-template-columns: 1fr 1fr; gap: 12px; }
          figure.half { width: 100%; }
          table { font-size: 12.5px; }
          th, td { padding: 4px 7px; }
        }
        @media screen and (max-width: 560px) {
          svg.chart.wide { display: none; }
          svg.chart.narrow { display: block; width: 100%; }
        }

        """

    private static let paper = """
        @media print {
          @page { margin: 14mm; }
          body { max-width: none; padding: 0; background: none; font-size: 12px; }
          section { border: 0; padding: 0; margin: 0 0 18px; }
          h2 { border-bottom: 1px solid var(--rule); break-after: avoid; font-size: 17px; }
          h1 { font-size: 23px; }
          nav { display: none; }
          header { margin-bottom: 16px; }
          svg, .causes li, .table, .stats, figcaption { break-inside: avoid; }
          figcaption, .legend, summary, h3 { break-after: avoid; }
          .figures { gap: 14px; }
          figure.half { width: calc(50% - 7px); }
          .table { overflow: visible; }
          table { font-size: 10.5px; }
          details:not(.long)::details-content { content-visibility: visible; display: block; height: auto; }
          details.long { display: none; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }

        """
}
