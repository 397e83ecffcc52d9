//! Files read and written whole.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

use super::Fault;

/// The largest file read: far above every document and every users file.
const FILE_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// All of a file; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |error: io::Error| Fault::usage(format!("{}: {error}", path.display()));
    let mut octets = Vec::new();
    match path.as_os_str() == "-" {
        true => io::stdin().lock().take(FILE_OCTETS_MAX).read_to_end(&mut octets),
        false => fs::File::open(path)
            .and_then(|file| file.take(FILE_OCTETS_MAX).read_to_end(&mut octets)),
    }
    .map_err(fault)?;
    Ok(octets)
}

/// Writes a file that is its owner's alone, wholly or not at all: beside its place first, then
/// put there in one step. Folders on the way are made. A file that is replaced keeps its owner, and
/// its group the right to read it; a new one is its folder's owner's, so that what root writes for
/// a service can be read by it.
pub fn write_private(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        make_private(folder)?;
    }
    // A link is followed, so that what it points to is replaced and not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write_new(&beside, octets)
        .and_then(|file| take_after(&path, &file))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // The fault is told; what is left of the attempt would only confuse.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, octets: &[u8]) -> io::Result<fs::File> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()?;
    Ok(file)
}

/// Gives a file the owner of the one whose place it takes, else that of the folder.
fn take_after(path: &Path, file: &fs::File) -> io::Result<()> {
    const READ_BY_GROUP: u32 = 0o040;
    let before = fs::metadata(path);
    if let Ok(before) = &before {
        let mode = 0o600 | (before.permissions().mode() & READ_BY_GROUP);
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let model = match before {
        Ok(before) => before,
        Err(_) => fs::metadata(folder.unwrap_or(Path::new(".")))?,
    };
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (model.uid(), model.gid()) || !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    fchown(file, Some(model.uid()), Some(model.gid()))
}

/// Makes a folder that is its owner's alone, unless it is there.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_replaced_whole_and_nobody_elses() {
        let folder = std::env::temp_dir().join(format!("fanal-file-{}", std::process::id()));
        let path = folder.join("deep/users");
        write_private(&path, b"one").expect("written");
        write_private(&path, b"two").expect("written again");
        assert_eq!(fs::read(&path).expect("there"), b"two");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
        let count = fs::read_dir(path.parent().expect("a folder")).expect("readable").count();
        assert_eq!(count, 1, "nothing is left beside it");
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_owner_and_a_new_one_is_its_folders() {
        let folder = std::env::temp_dir().join(format!("fanal-owner-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let (old, new) = (folder.join("old"), folder.join("new"));
        fs::write(&old, b"one").expect("written");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o664)).expect("set");
        let is_root = nix::unistd::geteuid().is_root();
        if is_root {
            std::os::unix::fs::chown(&old, Some(4242), Some(4243)).expect("given away");
            std::os::unix::fs::chown(&folder, Some(4244), Some(4245)).expect("given away");
        } else {
            println!("owners are not tried: only root may give a file away");
        }
        for path in [&old, &new] {
            write_private(path, b"two").expect("written");
        }
        let about = |path: &Path| fs::metadata(path).expect("there");
        assert_eq!(about(&old).permissions().mode() & 0o777, 0o640, "the group may read on");
        assert_eq!(about(&new).permissions().mode() & 0o777, 0o600);
        if is_root {
            assert_eq!((about(&old).uid(), about(&old).gid()), (4242, 4243));
            assert_eq!((about(&new).uid(), about(&new).gid()), (4244, 4245));
        }
        fs::remove_dir_all(folder).expect("removed");
    }
}
