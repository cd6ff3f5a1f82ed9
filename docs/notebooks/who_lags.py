"""Which wards are behind their pace, and what the year may bring them: one question from SQL to chart.

    marimo edit docs/notebooks/who_lags.py       to work in it
    marimo export html docs/notebooks/who_lags.py -o who_lags.html
    python docs/notebooks/who_lags.py            to run it through

The warehouse is the file that ``WARDCAST_WAREHOUSE_FILE`` names, else the sample's.
"""

import marimo

app = marimo.App(width="medium", app_title="Who lags?")


@app.cell
def _():
    import os

    import altair as alt
    import duckdb
    import marimo as mo

    return alt, duckdb, mo, os


@app.cell
def _(mo):
    mo.md(
        """
        # Who is behind their pace, and will they make the year?

        *Phường nào đang chậm nhịp, và cả năm có đạt dự toán không?*

        A ward's **pace** is the share of its year that past years had reached by this day. Behind it, the
        year's end may still be above the estimate: the forecast says how likely that is.
        """
    )


@app.cell
def _(duckdb, os):
    file = os.environ.get("WARDCAST_WAREHOUSE_FILE", "var/long_bien/wardcast.duckdb")
    warehouse = duckdb.connect(file, read_only=True)
    return (warehouse,)


@app.cell
def _(warehouse):
    wards = warehouse.sql(
        """
        SELECT stands.unit_name,
               stands.share_of_estimate_pct, stands.pace_pct, stands.pace_gap_pp,
               ends.shortfall_probability, ends.p10_amount / ends.estimate_amount * 100 AS p10_pct,
               ends.p50_amount / ends.estimate_amount * 100 AS p50_pct,
               ends.p90_amount / ends.estimate_amount * 100 AS p90_pct
        FROM latest.mart_unit_position AS stands
        JOIN latest.mart_year_end_forecast AS ends USING (unit_key, basis)
        WHERE basis = 'territory' AND stands.estimate_version = 'initial' AND stands.rank IS NOT NULL
          AND ends.line_code = 'ALL' AND ends.scenario = 'base'
        ORDER BY stands.pace_gap_pp
        """
    ).pl()
    return (wards,)


@app.cell
def _(mo, wards):
    late = wards.filter(wards["pace_gap_pp"] < 0)
    likely = late.filter(late["shortfall_probability"] > 0.5)
    answer = (
        f"{late.height} of {wards.height} wards are behind their pace; {likely.height} of these will "
        f"probably end below the estimate: {', '.join(likely['unit_name']) or 'none'}."
    )
    mo.md(f"**{answer}**")
    return (answer,)


@app.cell
def _(alt, wards):
    order = alt.EncodingSortField("pace_gap_pp")
    base = alt.Chart(wards.to_pandas()).encode(y=alt.Y("unit_name:N", sort=order, title=None))
    span = base.mark_bar(height=9, opacity=0.35).encode(
        x=alt.X("p10_pct:Q", scale=alt.Scale(zero=False), title="Year's end, % of the annual estimate"),
        x2="p90_pct:Q",
        color=alt.condition("datum.pace_gap_pp < 0", alt.value("#b3261e"), alt.value("#386a20")),
    )
    middle = base.mark_tick(thickness=2, color="black").encode(x="p50_pct:Q")
    estimate = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(100))
    chart = alt.layer(span, middle, estimate, data=wards.to_pandas()).properties(
        width=560, title="Behind their pace (red), and where the year may end"
    )
    chart
    return (chart,)


if __name__ == "__main__":
    app.run()
