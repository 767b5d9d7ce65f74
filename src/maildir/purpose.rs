//! What a folder is for, by its name: drafts, or what was thrown away.
//!
//! No attribute in a Maildir tells (RFC 6154 has them for IMAP alone), so the names count which mail programs and
//! servers give, in the languages that they speak. IMAP writes what is not ASCII in a UTF-7 of its own
//! (RFC 3501 section 5.1.3), and synchronisers keep that as the name on the disk.

use std::path::{Component, Path};

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};

/// mutt calls the folder `postponed`.
const DRAFTS: &str = "draft, drafts, postponed, entwurf, entwürfe, brouillon, brouillons, borrador, borradores, \
    esborranys, bozza, bozze, rascunho, rascunhos, concepten, utkast, kladde, kladder, \
    luonnokset, drög, szkice, kopie robocze, wersje robocze, koncepty, rozepsané, piszkozatok, \
    ciorne, nacrti, skice, osnutki, mustandid, melnraksti, juodraščiai, taslaklar, πρόχειρα, \
    черновики, чернетки, чернови, טיוטות, المسودات, مسودات, thư nháp, 下書き, 草稿, 草稿箱, 草稿夹, 草稿匣, 임시 \
    보관함, 임시보관함";

const TRASH: &str = "trash, bin, wastebasket, deleted, deleted items, deleted messages, papierkorb, gelöscht, \
    gelöschte elemente, gelöschte objekte, corbeille, éléments supprimés, papelera, paperera, \
    elementos eliminados, cestino, posta eliminata, lixo, lixeira, itens excluídos, itens \
    eliminados, prullenbak, prullenmand, verwijderde items, papirkurv, slettet post, \
    papperskorgen, borttaget, roskakori, poistetut, kosz, elementy usunięte, koš, odstraněná \
    pošta, kôš, lomtár, törölt elemek, coș de gunoi, smeće, çöp kutusu, çöp, silinmiş öğeler, \
    κάδος απορριμμάτων, корзина, удаленные, удалённые, кошик, кошче, ごみ箱, ゴミ箱, 垃圾桶, 垃圾箱, 废纸篓, \
    已删除邮件, 已删除, 휴지통";

/// Is this one of the folders for drafts, or does it lie in one?
pub(super) fn is_for_drafts(folder: &Path) -> bool {
    is_one_of(folder, DRAFTS)
}

/// Is this one of the folders for what was thrown away, or does it lie in one?
pub(super) fn is_for_trash(folder: &Path) -> bool {
    is_one_of(folder, TRASH)
}

/// Maildir++ has all names of a path in one, with dots between them.
fn is_one_of(folder: &Path, known: &str) -> bool {
    let names = folder.components().filter_map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    names.flat_map(|name| name.split('.')).any(|name| {
        let name = decoded(name).to_lowercase();
        known.split(", ").any(|known| known == name)
    })
}

/// A name without IMAP's UTF-7. What is none stays as it is.
fn decoded(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some((plain, shifted)) = rest.split_once('&') {
        let Some((encoded, behind)) = shifted.split_once('-') else {
            break;
        };
        let Some(decoded) = utf16(encoded) else {
            break;
        };
        text.push_str(plain);
        text.push_str(if encoded.is_empty() { "&" } else { &decoded });
        rest = behind;
    }
    text + rest
}

fn utf16(encoded: &str) -> Option<String> {
    let bytes = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD)
        .decode(encoded)
        .ok()?;
    let units = bytes.chunks(2).map(|unit| match unit {
        [high, low] => u16::from_be_bytes([*high, *low]),
        // Half a unit is none.
        _ => 0xd800,
    });
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_the_utf_7_of_imap() {
        for (name, text) in [
            ("Entw&APw-rfe", "Entwürfe"),
            ("&Tgtm+A-", "下書"),
            ("R&-D", "R&D"),
            ("R&D", "R&D"),
            ("&AP-x", "&AP-x"),
            ("&2D0-x", "&2D0-x"),
            ("", ""),
        ] {
            assert_eq!(decoded(name), text, "{name}");
        }
    }

    #[test]
    fn all_known_names_are_in_small_letters() {
        for name in DRAFTS.split(", ").chain(TRASH.split(", ")) {
            assert_eq!(name.to_lowercase(), name);
            assert_eq!(name.trim(), name);
            assert!(!name.contains('.'), "{name}");
        }
    }
}
