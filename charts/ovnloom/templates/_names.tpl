{{/* Names, labels and parts that several objects share. */}}

{{- define "ovnloom.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that names with a suffix stay labels: StatefulSets give theirs to Pods, with a hash behind. */}}
{{- define "ovnloom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ovnloom.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ovnloom.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "ovnloom.controller" -}}{{ include "ovnloom.fullname" . }}-controller{{- end -}}

{{- define "ovnloom.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "ovnloom.controller" .) -}}
{{- else -}}
{{- required "serviceAccount.create is false, so serviceAccount.name has to name the account that the controller uses" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Of a component: dict "root" $ "component" NAME. These never change: selectors are immutable. */}}
{{- define "ovnloom.selector" -}}
app.kubernetes.io/name: {{ include "ovnloom.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "ovnloom.labels" -}}
{{ include "ovnloom.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of an image: dict "root" $ "image" VALUES. */}}
{{- define "ovnloom.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The settings that a user gave, and what follows from the rest of the values where they gave none. */}}
{{- define "ovnloom.settings" -}}
{{- $settings := dict "ovnNb" (include "ovnloom.ovnNb" .) "namespace" .Release.Namespace -}}
{{- if .Values.tls.secretName -}}
{{- $_ := merge $settings (dict "ovnPrivateKey" "/etc/ovnloom/tls/tls.key" "ovnCertificate" "/etc/ovnloom/tls/tls.crt" "ovnCaCertificate" "/etc/ovnloom/tls/ca.crt") -}}
{{- end -}}
{{- range $name, $value := .Values.controller.settings -}}
{{- $_ := set $settings $name $value -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/*
Where the northbound database is. Cluster DNS needs a network, so names are of no use: the nodes' addresses, or the
address of the Service, which the kubelet puts into the environment. Brackets suit IPv4 and IPv6.
*/}}
{{- define "ovnloom.ovnNb" -}}
{{- $proto := ternary "ssl" "tcp" (ne .Values.tls.secretName "") -}}
{{- if .Values.controller.settings.ovnNb -}}
{{- .Values.controller.settings.ovnNb -}}
{{- else if not .Values.ovnCentral.enabled -}}
{{- fail "ovnCentral.enabled is false, so controller.settings.ovnNb has to say where the northbound database is, for example tcp:192.0.2.1:6641; for kube-ovn's Service ovn-nb in the same namespace: tcp:[$(OVN_NB_SERVICE_HOST)]:6641" -}}
{{- else if .Values.ovnCentral.addresses -}}
{{- $all := list -}}
{{- range .Values.ovnCentral.addresses -}}
{{- $all = append $all (printf "%s:[%s]:6641" $proto .) -}}
{{- end -}}
{{- join "," $all -}}
{{- else -}}
{{- printf "%s:[$(OVN_NB_SERVICE_HOST)]:6641" $proto -}}
{{- end -}}
{{- end -}}

{{/* The port of /metrics, /healthz and /readyz: the one in `listen`. */}}
{{- define "ovnloom.port" -}}
{{- $listen := .Values.controller.settings.listen | default ":10660" -}}
{{- regexFind "[0-9]+$" $listen | required (printf "controller.settings.listen is %q; end it with a port, as :10660 does" $listen) -}}
{{- end -}}

{{/* What a container may do when it may do nothing special. */}}
{{- define "ovnloom.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Of a Pod. fsGroup makes Secrets and volumes readable for it. */}}
{{- define "ovnloom.confinedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}
