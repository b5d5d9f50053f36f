{{/* What runs on every node: the agent, Open vSwitch. */}}

{{- define "ovnloom.agentAccount" -}}{{ include "ovnloom.fullname" . }}-agent{{- end -}}

{{/*
kube-ovn has objects of these names in its namespace; replacing them by --take-ownership would end its network while
helm is still at work. dict "root" $ "name" NAME
*/}}
{{- define "ovnloom.notOfAnother" -}}
{{- $there := lookup "apps/v1" "DaemonSet" .root.Release.Namespace .name -}}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $there -}}
{{- if and $there (ne $owner .root.Release.Name) -}}
{{- fail (printf "namespace %s has a DaemonSet %s of somebody else, such as kube-ovn; delete it first, or set agent.enabled to false to leave the nodes as they are" .root.Release.Namespace .name) -}}
{{- end -}}
{{- end -}}

{{/* Of each Pod that makes the network of its node: dict "root" $ "values" VALUES, and "links" true where the address of
a Service has to come through the environment. */}}
{{- define "ovnloom.nodePod" -}}
enableServiceLinks: {{ .links | default false }}
hostNetwork: true
# Process ids are the same for all: those in pid files, and those in the names of network namespaces and control sockets.
hostPID: true
dnsPolicy: Default
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  seccompProfile:
    type: RuntimeDefault
  # These forbid what the capabilities are for: sockets and files of the host, namespaces of other processes.
  appArmorProfile:
    type: Unconfined
  seLinuxOptions:
    type: spc_t
{{- end -}}

{{/* Root with the capabilities of the list and no others. */}}
{{- define "ovnloom.root" -}}
runAsUser: 0
runAsGroup: 0
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
  {{- with . }}
  add: [{{ join ", " . }}]
  {{- end }}
{{- end -}}

{{/* Where the API server is, for who can't reach it through its Service. */}}
{{- define "ovnloom.apiServer" -}}
{{- if .Values.apiServer.host -}}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.apiServer.host | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .Values.apiServer.port | quote }}
{{- end -}}
{{- end -}}

{{/* Where the southbound database is. Brackets suit IPv4 and IPv6. */}}
{{- define "ovnloom.ovnSb" -}}
{{- $proto := ternary "ssl" "tcp" (ne .Values.tls.secretName "") -}}
{{- if .Values.agent.settings.ovnSb -}}
{{- .Values.agent.settings.ovnSb -}}
{{- else if not .Values.ovnCentral.enabled -}}
{{- $_ := include "ovnloom.ovnNb" . -}}
{{- fail "ovnCentral.enabled is false, so agent.settings.ovnSb has to say where the southbound database is, for example tcp:192.0.2.1:6642; agent.enabled=false leaves the nodes to somebody else" -}}
{{- else if .Values.ovnCentral.addresses -}}
{{- $all := list -}}
{{- range .Values.ovnCentral.addresses -}}
{{- $all = append $all (printf "%s:[%s]:6642" $proto .) -}}
{{- end -}}
{{- join "," $all -}}
{{- else -}}
{{- printf "%s:[$(OVN_SB_SERVICE_HOST)]:6642" $proto -}}
{{- end -}}
{{- end -}}

{{/* The port of the agent's /metrics, /livez and /readyz: the one in `nodeListen`. */}}
{{- define "ovnloom.agentPort" -}}
{{- $listen := .Values.agent.settings.nodeListen | default ":10665" -}}
{{- regexFind "[0-9]+$" $listen | required (printf "agent.settings.nodeListen is %q; end it with a port, as :10665 does" $listen) -}}
{{- end -}}

{{/* The settings that a user gave, and what follows from the rest of the values where they gave none. */}}
{{- define "ovnloom.agentSettings" -}}
{{- $settings := dict "ovnSb" (include "ovnloom.ovnSb" .) -}}
{{- range $shared := list "clusterRouter" "joinSubnet" -}}
{{- with get $.Values.controller.settings $shared -}}
{{- $_ := set $settings $shared . -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := .Values.agent.settings -}}
{{- $_ := set $settings $name $value -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}

{{- define "ovnloom.agentEnvironment" -}}
- name: PYTHONUNBUFFERED
  value: "1"
{{- if not .Values.agent.settings.nodeName }}
- name: OVNLOOM_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end }}
{{- with include "ovnloom.apiServer" . }}
{{ . }}
{{- end }}
{{- range $name, $value := include "ovnloom.agentSettings" . | fromYaml }}
- name: OVNLOOM_{{ snakecase $name | upper }}
  value: {{ if kindIs "string" $value }}{{ quote $value }}{{ else }}{{ toJson $value | quote }}{{ end }}
{{- end }}
{{- with .Values.agent.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A hook of `helm uninstall`; those of lower weight come first. */}}
{{- define "ovnloom.beforeUninstall" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{/* A container without rights beside one of root in the same Pod. */}}
{{- define "ovnloom.confinedUser" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
{{ include "ovnloom.confined" . }}
{{- end -}}
