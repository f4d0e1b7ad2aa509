/// The style sheet of report pages, for light and dark schemes, print and small screens.
enum PageStyle {
  static let css = """
    :root { color-scheme: light dark;
      --surface: #f7f7f5; --card: #ffffff; --ink: #1b1b19; --muted: #66655f; --grid: #e8e7e2;
      --rule: #d5d3cc; --model: #2267c4; --baseline: #c2691c; --unsafe: #d2473f; --safe: #2a9176;
      --better: #1c7a4d; --worse: #b8352d; }
    @media (prefers-color-scheme: dark) { :root {
      --surface: #161615; --card: #1f1f1d; --ink: #efeee9; --muted: #a3a198; --grid: #33322f;
      --rule: #45443f; --model: #6ba6f5; --baseline: #eda25b; --unsafe: #f0736a; --safe: #45b797;
      --better: #5fcf97; --worse: #ff8d83; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--surface); color: var(--ink);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
    main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 64px; }
    h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; }
    h1 code { font: inherit; overflow-wrap: anywhere; }
    h2 { font-size: 20px; margin: 44px 0 12px; }
    h3 { font-size: 15px; margin: 22px 0 8px; }
    p { margin: 0 0 12px; max-width: 78ch; }
    .facts { color: var(--muted); max-width: none; }
    .warning { border-left: 4px solid var(--worse); padding: 6px 14px; background: var(--card); }
    .tiles { display: grid; gap: 14px; margin: 24px 0 8px;
      grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); }
    .tile { background: var(--card); border: 1px solid var(--grid); border-radius: 10px;
      padding: 14px 18px; }
    .tile span { display: block; color: var(--muted); font-size: 13px; }
    .tile strong { display: block; font-size: 30px; line-height: 1.25; font-weight: 600;
      font-variant-numeric: tabular-nums; }
    .plots { display: grid; gap: 16px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
    figure { margin: 0; background: var(--card); border: 1px solid var(--grid);
      border-radius: 10px; padding: 14px 16px 8px; break-inside: avoid; }
    figure.wide { padding: 14px 18px 4px; overflow-x: auto; }
    figure.wide svg { min-width: 860px; }
    figcaption { font-weight: 600; margin-bottom: 4px; }
    svg { display: block; width: 100%; height: auto; }
    svg text { font-size: 12px; fill: var(--muted); font-variant-numeric: tabular-nums; }
    svg text.note { stroke: var(--card); stroke-width: 4px; paint-order: stroke; }
    svg text.name, svg text.panel { fill: var(--ink); font-size: 13px; }
    svg text.panel { font-weight: 600; }
    .grid { stroke: var(--grid); stroke-width: 1; }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
    .line.faint { stroke: var(--model); stroke-width: 1; opacity: 0.25; }
    .line.model, .whisker.model { stroke: var(--model); }
    .line.baseline { stroke: var(--baseline); stroke-dasharray: 6 4; stroke-width: 1.8; }
    .whisker { stroke-width: 3; stroke-linecap: round; opacity: 0.45; }
    .whisker.baseline { stroke: var(--baseline); }
    .line.reference { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 4; }
    .dot { stroke: var(--card); stroke-width: 1.5; }
    .dot.model { fill: var(--model); } .dot.baseline { fill: var(--baseline); }
    .bar.unsafe { fill: var(--unsafe); } .bar.safe { fill: var(--safe); }
    .legend { display: flex; gap: 22px; margin: 0 0 12px; color: var(--muted); flex-wrap: wrap; }
    .legend i { display: inline-block; width: 24px; height: 0; margin-right: 8px;
      vertical-align: middle; border-top: 3px solid var(--model); }
    .legend i.baseline { border-top: 3px dashed var(--baseline); }
    .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--grid);
      border-radius: 10px; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { padding: 8px 12px; text-align: right; vertical-align: top; white-space: nowrap; }
    thead th { font-size: 12px; font-weight: 500; color: var(--muted); white-space: normal;
      vertical-align: bottom; border-bottom: 1px solid var(--rule); }
    th:first-child { text-align: left; font-weight: 500; }
    tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 110px; }
    tbody tr + tr > * { border-top: 1px solid var(--grid); }
    tr.total > * { font-weight: 600; border-top: 1px solid var(--rule) !important; }
    td small { display: block; color: var(--muted); font-size: 11.5px; line-height: 1.35;
      font-weight: 400; }
    td.better { color: var(--better); } td.worse { color: var(--worse); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; }
    dt { font-weight: 500; } dd { margin: 0; color: var(--muted); max-width: 90ch; }
    @media (max-width: 760px) { main { padding: 24px 14px; }
      .plots { grid-template-columns: minmax(0, 1fr); }
      dl { grid-template-columns: minmax(0, 1fr); } dd { margin-bottom: 8px; } }
    @media print { body { background: #ffffff; } main { max-width: none; padding: 0; } }
    """
}
