"""The page's section on a late start and an overlooked condition together."""

import numpy as np
import pandas as pd

from data.study.study import Study
from inference.report.content import Live, ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.timing_and_confounding import timing_and_confounding_figure
from inference.report.numbers import number, ratio, span
from inference.report.section import Material, Section, figure_of
from inference.report.table import NUMBER, PRINTED, RATIO, SPAN, Column, Table
from inference.sensitivity import SURFACE
from inference.sensitivity.surface import Surface, between_cells, fine_surface, tipping_line
from inference.sensitivity.timing_and_confounding import DELAYS, PREVALENCE, STRENGTHS
from inference.sensitivity.timing_pooled import CERTAIN

DELAY_STEP, STRENGTH_STEP = 1.0, 0.1  # of what a reader sets on the page
ID, TITLE = "timing-and-confounding", "A late start and an overlooked condition together"


def timing_and_confounding_section(
    surface: Surface, study: Study, draw: Draw = drawn_when_asked
) -> ReportSection:
    """Return the section on delay and unmeasured confounding together.

    Parameters
    ----------
    surface : Surface
    study : Study
        Gives the time unit.
    draw : callable
        Gives a drawing from a name and what makes the figure.
    """
    line = tipping_line(surface)
    tables = (
        _table(surface, "hazard-ratio", "Hazard ratio of treatment (95 % interval)", line),
        _table(surface, "rmst", _rmst_caption(surface, study), None),
    )
    paragraphs = (_tipping(line), _one_cell(surface, study), _assumptions(surface))
    figure = figure_of(
        draw,
        "timing_and_confounding",
        "Delay and an overlooked condition",
        lambda: timing_and_confounding_figure(
            fine_surface(surface), study.time_unit, surface.horizon, CERTAIN
        ),
    )
    alone, delayed = (float(line.set_index("delay")["strength"].loc[delay]) for delay in DELAYS[:3:2])
    finding = (
        f"P(benefit) is below {CERTAIN:g} with neither a delay nor an overlooked condition."
        if alone == 1.0
        else f"P(benefit) falls to {CERTAIN:g} with an overlooked condition of strength: without delay {_strength(alone)}; with a mean "
        f"delay of {DELAYS[2]:g} months {_strength(delayed)}."
    )
    return ReportSection(ID, TITLE, paragraphs, tables, (figure,), finding, live=live_surface(surface, study))


def live_surface(surface: Surface, study: Study) -> Live:
    """Return the effect at every delay and strength that a reader can set on the page."""
    delays = np.arange(DELAYS[0], DELAYS[-1] + 0.5 * DELAY_STEP, DELAY_STEP)
    strengths = np.arange(STRENGTHS[0], STRENGTHS[-1] + 0.5 * STRENGTH_STEP, STRENGTH_STEP)
    every = [one.ravel() for one in np.meshgrid(delays, strengths.clip(max=STRENGTHS[-1]), indexing="ij")]
    points = between_cells(surface, *every)

    def listed(*names: str) -> list[list[float]]:
        return points[list(names)].round(3).to_numpy().tolist()

    return Live(
        "surface",
        {
            "delay": {"from": DELAYS[0], "to": DELAYS[-1], "step": DELAY_STEP},
            "strength": {"from": STRENGTHS[0], "to": STRENGTHS[-1], "step": STRENGTH_STEP},
            "strengths": len(strengths),
            "ratio": listed("lower", "hazard_ratio", "upper"),
            "time": listed("rmst_lower", "rmst_difference", "rmst_upper"),
            "benefit": points["probability_of_benefit"].round(4).tolist(),
            "certain": CERTAIN,
            "said": f"difference in restricted mean to {number(surface.horizon)} {study.time_unit}",
            "unit": study.time_unit,
        },
    )


def _tipping(line: pd.DataFrame) -> str:
    alone, *late = zip(line["delay"], line["strength"], strict=True)
    parts = []
    for delay, strength in late:
        parts.append(f"at a mean delay of {delay:g} months {_strength(strength)}")
        if strength == 1.0:  # nor is any with a longer delay
            break
    return (
        f"The two sections above move one assumption each and hold the other. Together less of each is enough: for the probability of "
        f"benefit to fall to {CERTAIN:g} an overlooked condition must be this strong (its hazard ratio, and how many times more common "
        f"it is among those who were not to be treated): without delay {_strength(alone[1])}; {'; '.join(parts)}."
    )


def _strength(value: float) -> str:
    if pd.isna(value):
        return f"more than {STRENGTHS[-1]:g}"
    return "none is needed" if value == 1.0 else f"{value:.1f}"


def _one_cell(surface: Surface, study: Study) -> str:
    """Return one combination in words, so that a reader knows how to read the tables."""
    cells = surface.cells.set_index(["delay", "strength"])
    at = (DELAYS[2], STRENGTHS[1])
    row = cells.loc[at]
    ratio_left = ratio(*(float(row[name]) for name in ("hazard_ratio", "lower", "upper")))
    gained = span(*(float(row[name]) for name in ("rmst_difference", "rmst_lower", "rmst_upper")))
    return (
        f"With a mean delay of {at[0]:g} months and a condition of strength {at[1]:g}, the hazard ratio is {ratio_left}, and "
        f"the difference in restricted mean survival time up to {number(surface.horizon)} {study.time_unit} is {gained} {study.time_unit}."
    )


def _assumptions(surface: Surface) -> str:
    checked = surface.checked
    return (
        "What is assumed: as in the two sections above, with prevalences of those who were to be treated, whether or not they lived to it, and "
        f"of the others, at time zero; {100 * PREVALENCE:.0f} % of those who were to be treated have the condition. Who was to be treated "
        "is estimated by the treatment model. Hazards are proportional, so that the difference in restricted means is above zero just where the hazard ratio "
        "is below 1, and the line is the same for both. Neither axis is known to the data. Posteriors"
        f"{f' (of {surface.cohorts} cohorts, with equal weights)' if surface.cohorts > 1 else ''} are normal approximations; in "
        f"{len(checked)} cells that were also sampled, the mean log hazard ratio was off by at most {checked['shift'].abs().max():.2f}, and the mean difference in restricted "
        f"means by at most {checked['rmst_shift'].abs().max():.2f} posterior standard deviations."
    )


def _rmst_caption(surface: Surface, study: Study) -> str:
    return (
        f"Difference in restricted mean survival time up to {number(surface.horizon)} {study.time_unit}, all treated from time zero against "
        f"none ({study.time_unit}, 95 % interval)"
    )


def _table(surface: Surface, ending: str, caption: str, line: pd.DataFrame | None) -> Table:
    """Return delays by strengths; with the strength that is needed, where a line is given."""
    kind, names = (
        (SPAN, ("rmst_difference", "rmst_lower", "rmst_upper"))
        if line is None
        else (RATIO, ("hazard_ratio", "lower", "upper"))
    )
    wide = surface.cells.pivot_table(index="delay", columns="strength", values=list(names))
    frame = pd.DataFrame({"delay": list(DELAYS)})
    for strength in STRENGTHS:
        for name, end in zip(names, ("", "_lower", "_upper"), strict=True):
            frame[f"{strength:g}{end}"] = wide[name][strength].reindex(list(DELAYS)).to_numpy()
    columns = (
        Column("Mean delay (months)", NUMBER, "delay"),
        *(
            Column("No condition" if strength == 1 else f"Strength {strength:g}", kind, f"{strength:g}")
            for strength in STRENGTHS
        ),
    )
    if line is not None:
        needed = line.set_index("delay")["strength"].reindex(list(DELAYS)).to_numpy(float)
        frame = frame.assign(strength=needed, needed=[_strength(one) for one in needed])
        columns += (Column(f"Strength for P(benefit) = {CERTAIN:g}", PRINTED, "needed", by="strength"),)
    return Table(f"{ID}-{ending}", caption, columns, frame)


def _sections(material: Material) -> list[ReportSection]:
    surface = material.computed.of(SURFACE)
    if surface is None:
        return []
    return [timing_and_confounding_section(surface, material.results.study, material.draw)]


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    surface = material.computed.of(SURFACE)
    return {} if surface is None else {"timing_and_confounding": surface.cells}


SECTION = Section(_sections, _tables, of_patients=True)
