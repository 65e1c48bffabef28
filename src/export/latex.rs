//! A table of the paper for LaTeX: `\input` it; the document needs `\usepackage{booktabs}` and UTF-8.

use crate::report::{PaperTable, RowKind};

/// The text of one `.tex` file.
pub fn table(t: &PaperTable) -> String {
    let columns = t.head.len();
    let line = |cells: &[String]| cells.iter().map(|c| escaped(c)).collect::<Vec<_>>().join(" & ");
    let mut out = vec![
        "% Written by gapshare; needs \\usepackage{booktabs}.".to_owned(),
        "\\begin{table}[htbp]".to_owned(),
        "\\centering\\small".to_owned(),
        format!("\\caption{{{}}}", escaped(&t.caption)),
        format!("\\label{{tab:{}}}", t.name),
        // Labels wrap: a table is as wide as the text of a page at most.
        "\\setlength{\\tabcolsep}{4pt}".to_owned(),
        format!("\\begin{{tabular}}{{@{{}}p{{0.4\\linewidth}}{}@{{}}}}", "r".repeat(columns.saturating_sub(1))),
        "\\toprule".to_owned(),
        format!("{} \\\\", t.head.iter().map(|c| head(c)).collect::<Vec<_>>().join(" & ")),
        "\\midrule".to_owned(),
    ];
    for (at, row) in t.rows.iter().enumerate() {
        match row.kind {
            RowKind::Heading => {
                if at > 0 {
                    out.push("\\addlinespace".to_owned());
                }
                out.push(format!("\\multicolumn{{{columns}}}{{l}}{{\\textit{{{}}}}} \\\\", line(&row.cells)));
            }
            RowKind::Inner => out.push(format!("\\raggedright\\quad {} \\\\", line(&row.cells))),
            // A row of its own must not begin with a bracket: `\\[` would be read as a length.
            RowKind::Plain => out.push(format!("\\raggedright {{}}{} \\\\", line(&row.cells))),
        }
    }
    out.extend([
        "\\bottomrule".to_owned(),
        "\\end{tabular}".to_owned(),
        format!("\\par\\smallskip\n\\begin{{minipage}}{{0.95\\linewidth}}\\footnotesize {}\\end{{minipage}}", escaped(&t.note)),
        "\\end{table}".to_owned(),
    ]);
    out.join("\n") + "\n"
}

/// A head with the number of units in a line of its own.
fn head(text: &str) -> String {
    match text.split_once(" (n = ") {
        Some((name, n)) => format!("\\shortstack[r]{{{} \\\\ (n = {}}}", escaped(name), escaped(n)),
        None => escaped(text),
    }
}

/// Text as LaTeX prints it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("''"),
            '\u{2212}' => out.push_str("$-$"),
            '\u{d7}' => out.push_str("$\\times$"),
            '\u{b2}' => out.push_str("\\textsuperscript{2}"),
            '\u{b3}' => out.push_str("\\textsuperscript{3}"),
            '\u{2264}' => out.push_str("$\\leq$"),
            '\u{2265}' => out.push_str("$\\geq$"),
            '\u{b5}' | '\u{3bc}' => out.push_str("$\\mu$"),
            '\u{2020}' => out.push_str("\\dag{}"),
            '\u{2013}' => out.push_str("--"),
            '\u{a0}' => out.push('~'),
            '\n' | '\r' | '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn every_character_that_latex_reads_is_escaped() {
        for (text, want) in [
            ("a_b & 5% of $x#1", "a\\_b \\& 5\\% of \\$x\\#1"),
            ("{x}^2~\\y", "\\{x\\}\\textasciicircum{}2\\textasciitilde{}\\textbackslash{}y"),
            ("\u{2212}1.2\u{a0}to\u{a0}3", "$-$1.2~to~3"),
            ("\u{2264} 5 \u{b5}mol/L", "$\\leq$ 5 $\\mu$mol/L"),
            ("m\u{b2} <5>", "m\\textsuperscript{2} \\textless{}5\\textgreater{}"),
        ] {
            assert_eq!(escaped(text), want);
        }
    }
}
