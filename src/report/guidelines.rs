//! Which items of the reporting guidelines a section answers.
//!
//! STROBE: von Elm et al. (2007) PLoS Med 4(10) e296, checklist for cohort studies. RECORD: Benchimol et al. (2015) PLoS Med 12(10) e1001885.

/// The items of a section by its id; none for those that answer no item.
fn items(section: &str) -> Option<&'static str> {
    Some(match section {
        "cohort" => "STROBE 13; RECORD 6.3, 12.3, 13.1",
        "gap" => "STROBE 15, 16(a)",
        "groups" => "STROBE 14",
        "checks" => "STROBE 12",
        "contributions" | "nested" => "STROBE 16",
        "assumed" => "STROBE 9, 12",
        "methods" => "STROBE 17",
        "hospitals" => "STROBE 16, 17",
        "sensitivity" => "STROBE 12(e), 17",
        "models" => "STROBE 12(a), 16(a)",
        _ => return None,
    })
}

/// The words over a section with the items that it answers.
pub fn with_items(intro: String, section: &str) -> String {
    match items(section) {
        Some(items) => format!("{intro} Reporting items: {items}.").trim_start().to_owned(),
        None => intro,
    }
}

#[cfg(test)]
mod tests {
    use super::with_items;

    #[test]
    fn items_follow_the_words() {
        assert_eq!(with_items("Each step counts.".into(), "cohort"), "Each step counts. Reporting items: STROBE 13; RECORD 6.3, 12.3, 13.1.");
        assert_eq!(with_items(String::new(), "groups"), "Reporting items: STROBE 14.");
        assert_eq!(with_items("x".into(), "nowhere"), "x");
    }
}
