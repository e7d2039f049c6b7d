"""Cited numbers: those that cannot be, those that can, and the notes on the rest."""


def test_the_impossible_values_of_the_review(found):
    off = {name: one for name, one in found("review").items() if one.severity != "consistent"}
    assert {name: one.severity for name, one in off.items()} == {
        "review-e018-interval": "medium",
        "review-e034-outlier": "medium",
        "review-e052-percentage": "low",
        "review-e074-groups": "medium",
        "review-e075-groups": "medium",
    }
    assert "14.4 months" in off["review-e034-outlier"].recomputed
    assert "23.1 with a decimal point" in off["review-e034-outlier"].recomputed
    assert off["review-e074-groups"].recomputed.endswith("2/4 against 2/7 would be 11 patients")
    assert off["review-e075-groups"].recomputed == (
        "9/23 against 1/22: risk ratio 8.6, odds ratio 13.5, Fisher's exact P 0.010"
    )
    assert off["review-e018-interval"].recomputed.endswith("its interval is -0.19 to 4.05")


def test_a_median_that_is_possible(found, cited):
    assert "review-e034-outlier" not in found("review", cited("E034", value="23.1"))


def test_two_groups_that_add_up(found, cited):
    assert found("review", cited("E074", size="11"))["review-e074-groups"].severity == "consistent"


def test_a_ratio_that_is_a_risk_ratio_and_one_that_is_neither(found, cited):
    assert found("review", cited("E075", note="8.6-fold"))["review-e075-groups"].severity == "consistent"
    neither = found("review", cited("E075", note="11-fold"))["review-e075-groups"]
    assert neither.severity == "medium"
    assert "neither" in neither.finding


def test_a_percentage_of_no_whole_number_of_patients(found, cited):
    assert found("review")["review-e065-percentage"].recomputed == "23/31"
    assert found("review", cited("E065", value="75.2"))["review-e065-percentage"].severity == "low"


def test_more_patients_than_the_group_has(found, cited):
    assert found("review", cited("E053", value="28"))["review-e053-percentage"].severity == "medium"


def test_an_estimate_outside_its_interval(found, cited):
    one = found("review", cited("E018", value="5.51"))["review-e018-interval"]
    assert one.recomputed == "outside its interval"
    assert one.severity == "medium"


def test_an_interval_that_includes_no_difference_is_consistent(found, cited):
    assert found("review", cited("E018", note=""))["review-e018-interval"].severity == "consistent"


def test_a_part_larger_than_the_whole(found, cited):
    assert "review-e043-part" not in found("review")
    assert found("review", cited("E043", size="45 (95 T-DM1)"))["review-e043-part"].severity == "medium"


def test_a_range_printed_in_two_ways(found, cited):
    assert found("review", cited("E006", upper="48"))["review-e006-interval"].severity == "low"


def test_doubts_that_no_number_decides_are_told_once(found):
    citations = found("citations")
    assert {"citations-e058", "citations-e070", "citations-e072", "citations-nct04767828"} <= set(citations)
    assert not {"citations-e034", "citations-e075", "citations-e015", "citations-e026"} & set(citations)
    assert {one.severity for one in citations.values()} == {"low"}


def test_without_doubts_there_is_no_finding(found, cited):
    assert "citations-e058" not in found("citations", cited("E058", note="early breast cancer"))
