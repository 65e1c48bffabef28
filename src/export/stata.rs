//! A do-file that reads the csv tables into Stata, with labels, and saves each as .dta.

use crate::release::ResultTables;
use crate::release::schema::{Kind, TABLES};

/// The text of the do-file; `tables` is the folder of the csv files as Stata should look for it.
pub fn do_file(results: &ResultTables, tables: &str) -> String {
    let mut out = vec![
        format!("* Results of the study {}, read into Stata 14 or later; written by gapshare {}.", results.meta.study, results.meta.version),
        "* Run it in the folder where it stands. Each table is saved there as .dta; true and false become 1 and 0.".to_owned(),
        "version 14".to_owned(),
        format!("local tables \"{tables}\""),
    ];
    for t in results.tables.values() {
        out.push(String::new());
        out.push(format!(
            "import delimited using \"`tables'/{}.csv\", clear varnames(1) case(preserve) encoding(\"utf-8\") bindquote(strict) stringcols(_all)",
            t.name
        ));
        for c in t.declarations().filter(|c| is_a_name(&c.name)) {
            // Every column is read as text first: an empty column would otherwise become a number whatever it holds.
            match c.kind {
                Kind::Text => {}
                Kind::Integer | Kind::Number => out.push(format!("destring {}, replace", c.name)),
                Kind::Boolean => out
                    .push(format!("replace {0} = cond({0} == \"true\", \"1\", cond({0} == \"false\", \"0\", \"\"))\ndestring {0}, replace", c.name)),
            }
            out.push(format!("label variable {} {}", c.name, label(&c.doc)));
        }
        let row = TABLES.iter().find(|decl| decl.name == t.name).map_or("", |decl| decl.row);
        out.push(format!("label data {}", label(&format!("gapshare: a row is {row}"))));
        out.push(format!("save {}.dta, replace", t.name));
    }
    out.join("\n") + "\n"
}

/// Whether Stata takes the text as the name of a variable; it renames the others itself, and they stay text.
fn is_a_name(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    letters && name.len() <= 32 && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// A label in Stata's compound quotes, of at most 80 characters.
fn label(text: &str) -> String {
    let plain: String = text.replace(['`', '\'', '"'], "").chars().take(80).collect();
    format!("`\"{plain}\"'")
}
