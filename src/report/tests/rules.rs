//! What rules decide: titles, Table 1, the summary of checks, words inside sentences, definitions on hover.

use super::{between, cases};
use crate::release::{Cell, ResultTables, Table};
use crate::report::render;

/// Tables for one group, changed by hand.
fn one_group(change: impl Fn(&mut ResultTables)) -> String {
    let (_, mut tables) = cases().swap_remove(0);
    change(&mut tables);
    render(&tables).unwrap().replace('\u{a0}', " ").replace("&#x27;", "'")
}

fn set(t: &mut Table, row: usize, column: &str, cell: Cell) {
    let at = t.position(column).unwrap();
    t.rows[row][at] = cell;
}

/// The means' title follows the interval of what is treated as fair, which is their difference.
#[test]
fn the_gap_at_the_same_allowables_is_called_larger_where_the_interval_says_so() {
    let title = |low: f64, high: f64| {
        let html = one_group(|tables| {
            let t = tables.tables.get_mut("decomposition").unwrap();
            let row = (0..t.rows.len()).find(|&r| t.text(r, "analysis") == "primary" && t.text(r, "part") == "allowable").unwrap();
            set(t, row, "conf_low", low.into());
            set(t, row, "conf_high", high.into());
        });
        let means = between(&html, "<figure id=\"means-1\"", "</figure>")[0].to_owned();
        (
            between(&means, "class=\"ft\">", "<")[0].to_owned(),
            html.contains("What is treated as fair is negative: at the same age and sex the gap is larger"),
        )
    };
    assert_eq!(title(-0.02, -0.003), ("At the same age and sex the gap is larger, not smaller".to_owned(), true));
    assert_eq!(title(-0.02, 0.003), ("At the same age and sex the gap is about the same".to_owned(), false));
}

/// A number of two values is counted, levels stand by their numbers, and what is withheld is one line.
#[test]
fn table_one_reads_as_journals_print_it() {
    let html = one_group(|tables| {
        let t = tables.tables.get_mut("table_one").unwrap();
        let row = (0..t.rows.len()).find(|&r| t.text(r, "variable") == "creatinine").unwrap();
        let sd = |p: f64, n: f64| (p * (1.0 - p) * n / (n - 1.0)).sqrt();
        for (column, v) in [
            ("mean_reference", 2983.0 / 14913.0),
            ("sd_reference", sd(2983.0 / 14913.0, 14913.0)),
            ("mean_index", 0.25),
            ("sd_index", sd(0.25, 5000.0)),
        ] {
            set(t, row, column, v.into());
        }
        let levels = (0..t.rows.len()).filter(|&r| t.text(r, "variable") == "insurance").collect::<Vec<_>>();
        set(t, levels[0], "level", "70 or older".into());
        set(t, levels[1], "level", "18 to 29".into());
        set(t, levels[2], "level", "30 to 69".into());
    });
    let table = html.split("Characteristics of").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(table.contains(">1,250 (25.0%)<") && table.contains(">2,983 (20.0%)<"), "{table}");
    assert!(table.find("18 to 29").unwrap() < table.find("70 or older").unwrap());
    // No value is missing, so no column says so row by row.
    assert!(!table.contains("Missing") && html.contains("No value is missing."));
    let many = one_group(|tables| {
        let t = tables.tables.get_mut("table_one").unwrap();
        let row = (0..t.rows.len()).find(|&r| t.text(r, "variable") == "insurance").unwrap();
        for k in 0..30 {
            let mut copy = t.rows[row].clone();
            let at = t.position("level").unwrap();
            copy[at] = format!("plan {k}").as_str().into();
            t.rows.push(copy);
        }
    });
    assert!(many.contains("insurance (33 levels)") || many.contains("Insurance (33 levels)"));
    assert!(!many.contains("plan 7") && many.contains("table_one.csv"));
}

/// Of checks that passed the result nearest to its limit stands for all; those that did not pass stand one by one.
#[test]
fn checks_are_summed_up_and_stand_in_full_below() {
    let html = one_group(|tables| {
        let t = tables.tables.get_mut("diagnostics").unwrap();
        for (value, blocks) in [(0.012, "none"), (0.031, "socioeconomic"), (0.002, "hospital")] {
            let cells = [
                ("index_group", Cell::from("Black")),
                ("blocks", blocks.into()),
                ("check", "largest_weight".into()),
                ("value", value.into()),
                ("threshold", 0.05.into()),
                ("passed", true.into()),
                ("message", "share of weights in biological+hospital and the biological factors".into()),
            ];
            t.push(&cells).unwrap();
        }
    });
    let mut tables = html.split("id=\"checks\"").nth(1).unwrap().split("<table");
    let summary = tables.nth(1).unwrap().split("</table>").next().unwrap();
    assert!(html.contains("Checks: 4 of 5 passed") && html.contains("Every check: 5 results"));
    assert_eq!(summary.matches("Largest weight").count(), 1);
    assert!(summary.contains(">3.1%<") && summary.contains("\u{2264} 5%") && !summary.contains(">1.2%<"), "{summary}");
    // Names of blocks are those of the labels; after an article they are words.
    assert!(summary.contains("share of weights in measured clinical and physiological status and hospital"), "{summary}");
}

#[test]
fn messages_show_code_as_code_and_large_numbers_with_commas() {
    let html = one_group(|tables| tables.meta.problems[0].message = "26588 of 28887 rows lack `a<b`, 1998 not; x12345 and 0.123456 stay".into());
    assert!(
        html.contains("26,588 of 28,887 rows lack <code>a&lt;b</code>, 1998 not; x12345 and 0.123456 stay"),
        "{}",
        html.split("G319").nth(1).unwrap()
    );
}

/// What stands in a study file as a name keeps its capital, and blocks lose the word that the sentence repeats.
#[test]
fn labels_inside_sentences() {
    use crate::report::wording::inner;
    for (label, want) in [
        ("Medicaid", "Medicaid"),
        ("Medicaid or none", "Medicaid or none"),
        ("Diabetes", "diabetes"),
        ("eGFR, mL", "eGFR, mL"),
        ("ICU stay", "ICU stay"),
        ("Whitening", "whitening"),
    ] {
        assert_eq!(inner(label), want);
    }
    let html = one_group(|tables| {
        for (block, label) in [("socioeconomic", "Socioeconomic factors"), ("biological", "Clinical status"), ("hospital", "Hospital")] {
            tables.meta.labels.insert(block.to_owned(), label.to_owned());
        }
    });
    assert!(html.contains("travels with the measured socioeconomic, clinical and hospital factors taken together"));
    assert!(html.contains("clustered by hospital<") && !html.contains("clustered by hospital_id"));
    assert!(html.contains("We compared Black patients (index group, n = 5,000) with White patients (reference group, n = 14,913) by race."));
    assert!(html.contains("Of 28,614 rows of encounters, 20,062 were analysed"));
}

/// Hover says what a number is: every head of a column with numbers has a definition, and the family stands by contributions.
#[test]
fn every_column_of_numbers_has_a_definition() {
    for (name, tables) in cases() {
        let html = render(&tables).unwrap();
        for table in between(&html, "<table", "</table>") {
            let heads: Vec<&str> = between(table, "<th scope=\"col\"", "</th>");
            for row in between(table, "<tr", "</tr>") {
                let mut cells: Vec<&str> = row.split("<td").skip(1).collect();
                cells.reverse();
                for (cell, head) in cells.iter().zip(heads.iter().rev()) {
                    assert!(!cell.contains("data-v=") || head.contains("title=\""), "{name}: {head} of {cell}");
                }
            }
        }
        assert!(html.contains(" data-family=\""), "{name}");
    }
}
